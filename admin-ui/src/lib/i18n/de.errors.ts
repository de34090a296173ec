import { workerReasons } from "./de.workers.ts";
import type { ErrorText, errors as en } from "./en.errors.ts";
import { packageReasons } from "./de.errors-packages.ts";

const codes = {
  bad_request: ["Die Anfrage ist fehlerhaft.", "Berichtige das genannte Feld und sende sie noch einmal."],
  schema_mismatch: [
    "Die Anfrage passt nicht zum Schema der Fähigkeit.",
    "Vergleiche die Felder mit dem Schema; vielleicht passt eine ältere oder neuere Version.",
  ],
  invalid_signature: [
    "Eine Unterschrift, ihr Empfänger oder ihre Frische ließ sich nicht bestätigen.",
    "Sende eine neue Anfrage, die dieser Knoten selbst unterschrieben hat; wiederhole nie eine alte.",
  ],
  unauthorized: ["Das darfst du nicht.", "Frage ein vertrautes Mitglied der Gemeinschaft oder melde dich mit mehr Rechten an."],
  revoked: ["Dieser Schlüssel wurde gesperrt.", "Bitte die Gemeinschaft um eine neue Einladung mit neuer Identität."],
  not_found: ["Unter diesem Namen gibt es hier nichts.", "Prüfe die Schreibweise oder sieh nach, was es gibt."],
  timeout: ["Es kam rechtzeitig keine Antwort.", "Versuche es noch einmal, bei großer Arbeit mit mehr Zeit."],
  expired: ["Das ist zu alt, um angenommen zu werden.", "Mache ein neues und prüfe die Uhr dieses Geräts."],
  rate_limited: ["Zu viele Aufrufe in kurzer Zeit.", "Warte die genannte Zeit und versuche es dann noch einmal."],
  capacity_exceeded: ["Im Augenblick ist jeder Platz besetzt.", "Warte die genannte Zeit oder nimm einen anderen Knoten."],
  internal_error: [
    "Im Knoten ist etwas kaputtgegangen.",
    "Sieh unter der Spur-Nummer im Protokoll des Knotens nach; ein neuer Versuch kann helfen.",
  ],
  not_implemented: [
    "Das ist hier angekündigt, aber nichts steht dahinter.",
    "Installiere den fehlenden Teil oder stelle ihn ein.",
  ],
  partition: [
    "Der andere Knoten ist nicht erreichbar.",
    "Prüfe, ob er läuft und im selben Netz ist; versuche es dann noch einmal.",
  ],
  token_invalid: ["Das Token ist nicht echt.", "Bitte den Aussteller um ein neues Token."],
  token_revoked: ["Das Token wurde gesperrt.", "Bitte den Aussteller um ein neues Token."],
  token_scope_insufficient: ["Das Token deckt diesen Aufruf nicht ab.", "Bitte den Aussteller um ein Token mit weiterem Umfang."],
  token_expired: ["Das Token gilt zu dieser Zeit nicht.", "Bitte den Aussteller um ein neues Token und prüfe die Uhr."],
  federation_forbidden: [
    "Die Verbindung der Gemeinschaften deckt das nicht ab.",
    "Bitte einen Anker beider Gemeinschaften, sie zu erweitern.",
  ],
  not_federated: ["Mit dieser Gemeinschaft gibt es keine Verbindung.", "Bitte einen Anker, eine Verbindung vorzuschlagen."],
  relay_unreachable: [
    "Die Zwischenstelle oder der Knoten dahinter antwortet nicht.",
    "Versuche es später noch einmal oder nimm eine andere Zwischenstelle.",
  ],
  dht_lookup_failed: ["Es wurde rechtzeitig keine Quelle gefunden.", "Versuche es später noch einmal."],
  e2e_session_missing: [
    "Mit diesem Nachbarn gibt es noch keine verschlüsselte Verbindung.",
    "Tauscht die Schlüssel aus und versuche es dann noch einmal.",
  ],
  e2e_decrypt_failed: ["Die Nachricht ließ sich nicht entschlüsseln.", "Beginne eine neue verschlüsselte Verbindung."],
  ratchet_out_of_order: ["Dazwischen fehlen zu viele Nachrichten.", "Bitte den Absender, noch einmal zu senden."],
  permission_denied: [
    "Das Plugin hat dafür keine Erlaubnis.",
    "Gib ihm die Erlaubnis auf seiner Seite, wenn du ihm das zutraust.",
  ],
  quota_exceeded: ["Das Plugin hat verbraucht, was es verbrauchen darf.", "Warte oder erhöhe seine Grenze."],
  plugin_gone: ["Das Plugin hielt an, während es daran arbeitete.", "Sieh in sein Protokoll; es wird von selbst neu gestartet."],
  confinement: ["Unter der jetzigen Abschottung des Plugins ist das nicht möglich.", "Sieh die Abhilfe auf der Seite Zustand."],
} satisfies Record<keyof typeof en.codes, ErrorText>;

const reasons = {
  json_invalid: ["Das ist kein gültiges JSON.", "Sende einen JSON-Wert in UTF-8."],
  json_duplicate_key: ["Ein JSON-Objekt nennt denselben Schlüssel zweimal.", "Nenne jeden Schlüssel einmal."],
  json_too_deep: ["Das JSON ist zu tief verschachtelt.", "Verringere es auf höchstens 64 Ebenen."],
  json_unsafe_number: ["Eine Zahl lässt sich nicht genau darstellen.", "Sende große Zahlen als Text."],
  json_forbidden_key: ["Das JSON nutzt einen Schlüssel, der nicht erlaubt ist.", "Benenne den Schlüssel um."],
  too_large: ["Das ist größer als erlaubt.", "Sende weniger oder teile es auf."],
  db_corrupt: [
    "Die Datenbank auf der Platte ist beschädigt.",
    "Spiele eine Sicherung ein oder lege die Datei beiseite, um neu anzufangen.",
  ],
  bad_node_id: [
    "Das ist keine Knoten-Kennung.",
    "Eine Kennung ist `ed25519:` und 43 Buchstaben, Ziffern, `-` oder `_`; kopiere sie ganz.",
  ],
  keys_missing: ["Dieser Knoten hat noch keinen Schlüssel.", "Starte den Knoten einmal mit `hearthnet up`."],
  keys_invalid: [
    "Die Schlüsseldatei dieses Knotens ist beschädigt.",
    "Hole `keys/device.ed25519` aus einer Sicherung zurück; ein neuer Schlüssel ist eine neue Identität.",
  ],
  keys_permissions: [
    "Andere Benutzer dieses Rechners können den Schlüssel des Knotens lesen.",
    "Führe `chmod 600` für `keys/device.ed25519` und `chmod 700` für `keys` aus.",
  ],
  bad_manifest: ["Die Selbstbeschreibung des Knotens ist fehlerhaft.", "Bringe den anderen Knoten auf den neuesten Stand."],
  invite_invalid: ["Das ist keine echte Einladung.", "Kopiere den ganzen Text oder bitte um eine neue."],
  invite_expired: ["Die Einladung ist abgelaufen.", "Bitte deinen Nachbarn um eine neue."],
  invitee_mismatch: [
    "Die Einladung wurde für ein anderes Gerät gemacht.",
    "Bitte um eine, die für die Kennung dieses Geräts gemacht ist.",
  ],
  passphrase_wrong: [
    "Die Passphrase öffnet diese Datei nicht.",
    "Versuche es noch einmal; ohne die Passphrase kann niemand die Datei öffnen.",
  ],
  bootstrap_unreachable: [
    "Keine der Adressen in der Einladung antwortet.",
    "Tritt bei, während der Knoten deines Nachbarn läuft und im selben Netz ist.",
  ],
  community_manifest_invalid: [
    "Die Beschreibung der Gemeinschaft gehört nicht zur Einladung.",
    "Bitte um eine neue Einladung; nutze diese Adresse nicht.",
  ],
  sync_failed: ["Das Protokoll der Gemeinschaft ließ sich nicht ganz lesen.", "Versuche noch einmal beizutreten."],
  already_member: ["Dieser Knoten gehört schon zu einer Gemeinschaft.", "Verlasse sie zuerst mit `hearthnet leave`."],
  no_community: ["Dieser Knoten gehört noch zu keiner Gemeinschaft.", "Gründe eine oder tritt mit einer Einladung bei."],
  no_invite_right: ["Auf diese Stufe darfst du nicht einladen.", "Bitte ein vertrautes Mitglied, einzuladen."],
  co_signer_insufficient: ["Nicht genug Mitglieder haben das unterschrieben.", "Sammle die fehlenden Unterschriften."],
  unknown_author: [
    "Der Verfasser dieses Eintrags ist hier nicht bekannt.",
    "Gleiche noch einmal ab; die Einladung ist vielleicht noch unterwegs.",
  ],
  revoked_author: ["Der Verfasser dieses Eintrags war zuvor gesperrt worden.", "Nichts; der Eintrag wird überall abgelehnt."],
  out_of_order: ["Die Stelle des Eintrags liegt außerhalb der Grenzen.", "Prüfe Uhr und Version des anderen Knotens."],
  schema_invalid: [
    "Das Schema der Fähigkeit liegt nicht in der erlaubten Teilmenge.",
    "Die erlaubten Schlüsselwörter stehen in docs/guide.",
  ],
  route_taken: [
    "Unter dieser Adresse antwortet schon ein anderes Plugin.",
    "Entferne zuerst das andere Plugin, oder behalte nur eines von beiden.",
  ],
  namespace_violation: [
    "Der Name der Fähigkeit liegt außerhalb dessen, was ihr Besitzer anmelden darf.",
    "Nimm einen erlaubten Anfang.",
  ],
  hops_exceeded: ["Der Aufruf wurde zu oft weitergegeben.", "Suche nach Plugins, die einander im Kreis aufrufen."],
  slots_full: ["Jeder Platz für diese Fähigkeit ist besetzt.", "Warte die genannte Zeit oder nimm einen anderen Knoten."],
  provider_unreachable: [
    "Der Knoten, der das anbietet, antwortet nicht.",
    "Prüfe, ob er läuft, und versuche es dann noch einmal.",
  ],
  dht_lookup_failed: [
    "Kein Knoten der DHT war zu erreichen.",
    "Prüfe den Weg dieses Knotens ins Internet und die Orte unter dht.bootstrap und versuche es dann noch einmal.",
  ],
  dht_off: ["Dieser Knoten nimmt an der DHT nicht teil.", "Schalte sie in hearthnet.config.ts ein: dht: { enabled: true }."],
  dht_adverts_off: [
    "Dieser Knoten sagt der DHT nicht, welche Dateien er hat.",
    "Erlaube es in hearthnet.config.ts: dht: { advertiseCids: true }. Gesagt werden nur öffentliche Dateien.",
  ],
  dht_not_public: [
    "Eine öffentliche Datei mit dieser Nummer liegt hier nicht, und anderes darf der DHT nicht gesagt werden.",
    "Teile die Datei zuerst mit allen, oder lass sie ungesagt.",
  ],
  stream_cut: ["Die Verbindung endete mitten in der Antwort.", "Versuche es noch einmal."],
  header_missing: ["Eine nötige Kopfzeile fehlt oder ist fehlerhaft.", "Sende jede X-HearthNet-Kopfzeile genau einmal."],
  clock_skew: [
    "Die Uhren der beiden Knoten gehen um mehr als zwei Minuten auseinander.",
    "Stelle die Uhr dieses Geräts und versuche es dann noch einmal.",
  ],
  replayed: ["Diese Anfrage kam schon einmal an.", "Unterschreibe für jeden Versuch eine neue Anfrage."],
  wrong_recipient: ["Die Anfrage wurde für einen anderen Knoten unterschrieben.", "Sende sie an den Knoten, für den sie gilt."],
  recipient_unbound: ["Die Anfrage nennt ihren Empfänger nicht.", "Nimm die Kennung des Empfängers in die Anfrage auf."],
  restart_window: [
    "Der Knoten ist gerade neu gestartet und kann eine Wiederholung nicht ausschließen.",
    "Sende in zwei Minuten eine neue Anfrage.",
  ],
  tls_mismatch: [
    "Das Zertifikat der anderen Seite gehört nicht zur Kennung des Knotens.",
    "Traue dieser Adresse nicht; frage deinen Nachbarn nach der richtigen.",
  ],
  response_unsigned: [
    "Die Antwort trägt keine gültige Unterschrift.",
    "Bringe den anderen Knoten auf den neuesten Stand oder nutze ihn nicht mehr.",
  ],
  tokens_unsupported: [
    "Dieser Knoten nimmt keine Token an: Sein Betreiber hat sie abgeschaltet.",
    "Rufe als Mitglied auf, ohne Token.",
  ],
  token_malformed: [
    "Das ist kein Token dieses Netzes.",
    "Kopiere den ganzen Text ab `hntoken://v1/` oder bitte den Aussteller um ein neues.",
  ],
  token_signature_bad: [
    "Das Token wurde nicht von dem Knoten unterschrieben, den es nennt, oder seitdem verändert.",
    "Kopiere es noch einmal von dort, wo du es bekommen hast; hilft das nicht, bitte den Aussteller um ein neues.",
  ],
  token_scope_unknown: [
    "Das Token trägt eine Einschränkung, die dieser Knoten nicht kennt und deshalb nicht einhalten kann.",
    "Bringe diesen Knoten auf den neuesten Stand oder bitte um ein Token ohne sie.",
  ],
  token_not_yet_valid: [
    "Die Zeit des Tokens hat noch nicht begonnen.",
    "Prüfe die Uhren beider Geräte; das Token gilt ab dem Zeitpunkt, den der Aussteller genannt hat.",
  ],
  token_audience_mismatch: [
    "Das Token wurde für eine andere Gemeinschaft oder einen anderen Knoten gemacht.",
    "Nutze es dort oder bitte den Aussteller um eines für diesen Knoten.",
  ],
  token_issuer_revoked: [
    "Wer das Token ausgestellt oder erbeten hat, wurde ausgeschlossen.",
    "Bitte ein anderes Mitglied um ein neues Token.",
  ],
  token_issuer_unknown: [
    "Wer das Token ausgestellt hat, gehört nicht zu dieser Gemeinschaft.",
    "Bitte ein Mitglied dieser Gemeinschaft um ein Token.",
  ],
  token_subject_mismatch: [
    "Das Token gehört einem anderen Gerät als dem, das die Anfrage unterschrieben hat.",
    "Rufe von dem Gerät aus auf, das im Token steht, oder bitte um eines für dieses.",
  ],
  bearer_refused: [
    "Ein Token für jeden, der es in der Hand hat, gilt hier nicht oder nicht in dieser Form.",
    "Bitte um ein Token, das dein Gerät nennt; `hearthnet status` zeigt dessen Kennung.",
  ],
  token_chain: [
    "Wer durch ein Token hier ist, darf keine Token ausstellen oder sperren und weder Mitglieder noch Verbindungen ändern.",
    "Bitte ein Mitglied darum.",
  ],
  token_not_here: [
    "Token gelten nur für Aufrufe von Fähigkeiten, nicht unter dieser Adresse.",
    "Lass das Token weg; als Mitglied brauchst du es hier nicht.",
  ],
  token_limit: [
    "Das Token erlaubt in dieser Minute keine weiteren Aufrufe.",
    "Warte die genannte Zeit und versuche es dann noch einmal.",
  ],
  token_used_up: ["Alle Aufrufe, die das Token erlaubt, sind verbraucht.", "Bitte den Aussteller um ein neues Token."],
  token_counters_full: [
    "Dieser Knoten zählt schon die Aufrufe so vieler Token, wie er kann.",
    "Warte, bis einige davon abgelaufen sind, oder bitte um ein Token ohne Anzahl.",
  ],
  token_level_lost: [
    "Wer das Token ausgestellt hat, hat jetzt eine niedrigere Stufe als zu Beginn.",
    "Bitte jemanden mit der nötigen Stufe um ein Token.",
  ],
  token_beyond_rights: [
    "Ein Token kann nichts erlauben, was der Bittende selbst nicht darf, und nichts, was nicht weitergegeben werden kann.",
    "Lass weg, was zu viel ist, oder bitte ein Mitglied mit mehr Rechten.",
  ],
  token_issue_limit: [
    "In der letzten Stunde wurden zu viele Token verlangt.",
    "Warte ein wenig oder nutze die Token, die du hast.",
  ],
  token_not_yours: [
    "Nur wer ein Token erbeten hat, sein Aussteller oder ein vertrautes Mitglied kann es sperren.",
    "Bitte ein vertrautes Mitglied der Gemeinschaft.",
  ],
  client_id_reused: [
    "Diese client_id gehört zu einer anderen Anfrage.",
    "Erzeuge für jede Anfrage, die nicht dieselbe noch einmal ist, eine neue.",
  ],
  remote_issue_off: [
    "Dieser Knoten unterschreibt Token nur für seinen eigenen Betreiber.",
    "Stelle das Token auf deinem eigenen Knoten aus.",
  ],
  contract_version: ["Die verlangte Version ist hier nicht bekannt.", "Verlange 1.0 oder lass sie weg."],
  response_stale: [
    "Die Zeit der Antwort weicht um mehr als zwei Minuten ab.",
    "Stelle die Uhren beider Geräte, dann versuche es noch einmal.",
  ],
  closing: [
    "Der Knoten wird gerade angehalten und nimmt nichts Neues an.",
    "Versuche es gleich noch einmal oder nimm einen anderen Knoten.",
  ],
  call_malformed: ["Der Aufruf auf der Sitzung ist fehlerhaft.", "Berichtige das genannte Feld und rufe noch einmal auf."],
  frame_malformed: [
    "Der andere Knoten hat auf der Sitzung etwas gesendet, das kein gesunder Knoten sendet.",
    "Nichts; die Verbindung wird neu aufgebaut. Geschieht es wieder, aktualisiere den anderen Knoten.",
  ],
  frame_unproven: [
    "Ein Stück der Sitzung wurde unterwegs verändert, wiederholt oder ging verloren.",
    "Nichts; die Verbindung wird neu aufgebaut. Geschieht es wieder, suche nach einem Gerät zwischen den Knoten.",
  ],
  handshake_unproven: [
    "Der andere Knoten hat beim Öffnen der Sitzung nicht bewiesen, wer er ist.",
    "Benutze diese Adresse nicht; frage den Nachbarn persönlich.",
  ],
  credit_overdrawn: [
    "Der andere Knoten hat mehr gesendet, als er durfte.",
    "Nichts; die Verbindung wird neu aufgebaut. Geschieht es wieder, aktualisiere den anderen Knoten.",
  ],
  seal_missing: [
    "Der andere Knoten hat nicht unterschrieben, was er auf der Sitzung sagte, oder etwas anderes.",
    "Nichts; eine Stunde lang wird jeder Aufruf einzeln unterschrieben. Geschieht es wieder, aktualisiere den anderen Knoten.",
  ],
  session_over: ["Die Verbindung endete, bevor die Antwort kam.", "Versuche es noch einmal."],
  session_refused: [
    "Der andere Knoten öffnet diesem hier keine Sitzung.",
    "Warte auf seine nächste Selbstbeschreibung oder frage seinen Betreiber, ob dieser Knoten dort Mitglied ist.",
  ],
  key_conflict: [
    "Zwei laufende Prozesse benutzen denselben Schlüssel; der andere Knoten spricht nur mit einem davon.",
    "Halte einen der beiden an; ein kopierter Datenordner braucht einen eigenen Schlüssel.",
  ],
  upgrade_unsupported: ["Diese Art der Verbindung wird nicht angeboten.", "Nimm HTTP mit Server-Sent Events."],
  damaged: [
    "Der Download ist unvollständig oder wurde unterwegs verändert.",
    "Lade es noch einmal, wenn möglich aus einer anderen Quelle.",
  ],
  dev_release: [
    "Dieses Paket stammt aus der Sitzung eines Autors; es ist für keinen anderen Knoten und kann nicht veröffentlicht werden.",
    "Gib dem Plugin einen Namen aus einem Namensraum, der dir gehört, packe und unterschreibe es.",
  ],
  unsigned: ["Das Paket trägt keine Unterschrift eines Herausgebers.", "Bitte den Herausgeber um ein unterschriebenes Paket."],
  wrong_key: [
    "Das Paket ist unterschrieben, aber nicht vom Herausgeber, dem dieser Name gehört.",
    "Installiere es nicht; sage es dem Betreiber des Verzeichnisses.",
  ],
  tampered: [
    "Eine Datei im Paket weicht von dem ab, was der Herausgeber unterschrieben hat.",
    "Installiere es nicht; hole das Paket aus seinem Verzeichnis.",
  ],
  catalogue_expired: [
    "Der Katalog ist veraltet, und keine Quelle hat einen neueren.",
    "Verbinde dich mit dem Verzeichnis oder erlaube den alten Katalog für dieses eine Mal.",
  ],
  rolled_back: [
    "Diese Version ist älter als eine, die schon da war.",
    "Installiere die neueste Version; zurück geht es mit „Zurückkehren“.",
  ],
  package_revoked: ["Diese Version wurde zurückgezogen, weil sie gefährlich ist.", "Installiere eine neuere Version."],
  yanked: ["Der Herausgeber hat diese Version zurückgezogen.", "Installiere eine andere Version."],
  incompatible: [
    "Das Plugin passt nicht zu diesem Knoten.",
    "Sieh nach, welche Bedingung fehlt; erneuere den Knoten oder wähle eine andere Version.",
  ],
  policy: [
    "Eine Regel des Besitzers dieses Knotens verbietet dieses Plugin.",
    "Ändere die Regel in hearthnet.config.ts, wenn du es willst.",
  ],
  clock: ["Die Uhr dieses Geräts geht nach.", "Stelle die Uhr und versuche es dann noch einmal."],
  unreachable: ["Kein Verzeichnis antwortet.", "Prüfe die Verbindung; was installiert ist, läuft weiter."],
  archive_path: [
    "Das Paket enthält einen Pfad, der hinausführt oder nicht erlaubt ist.",
    "Nutze es nicht; sage es dem, der es dir gab.",
  ],
  native_undeclared: [
    "Das Paket enthält Maschinencode und bittet nicht um das Recht, ihn auszuführen.",
    "Sag es dem Herausgeber: Die Dateien müssen weg, oder tier.native gesetzt und die Berechtigung „native“ erbeten werden.",
  ],
  archive_limits: [
    "Das Paket ist größer, tiefer oder dichter als erlaubt.",
    "Bitte den Herausgeber, große Dateien als Beigaben auszuliefern.",
  ],
  manifest_invalid: [
    "Die Beschreibung ist nicht gültig.",
    "Berichtige die genannten Felder. Bei einem Plugin nennt sie `hearthnet plugin validate`; die einer Datei mache neu aus der Datei.",
  ],
  start_failed: ["Das Plugin ist nicht gestartet.", "Sieh in sein Protokoll."],
  crash_looped: ["Das Plugin stürzte zu oft ab und wurde angehalten.", "Sieh in sein Protokoll und starte es dann von Hand."],
  hung: [
    "Das Plugin antwortete nicht mehr und wurde beendet.",
    "Es wird von selbst neu gestartet; sieh in sein Protokoll, wenn es wieder geschieht.",
  ],
  over_quota: [
    "Das Plugin nutzte mehr Speicher als erlaubt und wurde beendet.",
    "Erhöhe seine Speichergrenze oder gib ihm weniger Arbeit.",
  ],
  data_full: [
    "Der Datenordner des Plugins enthält mehr als erlaubt, darum wurde das Plugin angehalten.",
    "Starte es neu, wenn es selbst Platz schaffen kann, erlaube ihm mehr oder entferne es mit seinen Daten.",
  ],
  mount_refused: [
    "Dieser Ordner kann keinem Plugin geliehen werden.",
    "Nenne einen, den es gibt und in dem nichts vom System oder von diesem Knoten liegt: `hearthnet plugin grant ID fs.mount --folder /srv/fotos`.",
  ],
  data_copy_failed: [
    "Die Daten des Plugins konnten nicht für die neue Version kopiert werden.",
    "Sieh nach, ob auf der Festplatte Platz ist; die vorige Version läuft mit ihren Daten weiter.",
  ],
  migration_failed: [
    "Das Plugin konnte seine Daten nicht öffnen.",
    "Sieh in sein Protokoll und sage es dem Herausgeber. Die Daten sind so, wie die vorige Version sie hinterließ.",
  ],
  data_too_new: [
    "Die Daten des Plugins schrieb eine neuere Version, die diese nicht lesen kann.",
    "Installiere die neuere Version oder entferne zuerst das Plugin mit seinen Daten.",
  ],
  return_waits: [
    "Die neue Version wurde angehalten, und die vorige kann nur mit den Daten von damals zurückkommen.",
    "Geh mit `hearthnet plugin rollback` zurück oder starte die neue Version mit `hearthnet plugin restart` wieder.",
  ],
  egress_used_up: [
    "Das Plugin hat in der letzten Stunde so viel über das Netz gesendet, wie es darf.",
    "Warte, oder erhöhe seine Grenze egressMbPerHour.",
  ],
  host_unreachable: [
    "Der Server ist nicht erreichbar.",
    "Prüfe seine Adresse, ob er eingeschaltet ist, und die Verbindung dieses Knotens.",
  ],
  tls_untrusted: [
    "Dem Zertifikat des Servers kann nicht vertraut werden.",
    "Prüfe die Adresse und die Uhr dieses Knotens; vielleicht braucht der Server ein neues Zertifikat.",
  ],
  calls_per_minute: [
    "Das Plugin hat in dieser Minute so oft andere aufgerufen, wie es darf.",
    "Warte die genannte Zeit; von sich aus darf es 600-mal in der Minute aufrufen.",
  ],
  tokens_per_minute: [
    "Das Plugin hat in dieser Minute so viele Tokens verbraucht, wie seine Erlaubnis zulässt.",
    "Warte die genannte Zeit, oder erlaube ihm mehr Tokens in der Minute.",
  ],
  cpu_limit: [
    "Das Plugin hat länger als eine Minute seine ganze Rechenzeit verbraucht.",
    "Gib ihm weniger Arbeit, hebe seine Grenze an, oder starte es neu, wenn es nichts Nützliches tut.",
  ],
  worker_crashed: [
    "Der Teil, der daran arbeitete, ist zusammengebrochen.",
    "Versuche es noch einmal; geschieht es mit derselben Eingabe wieder, melde es dem Herausgeber.",
  ],
  confinement_missing: [
    "Dieser Rechner kann Plugins nicht abschotten, darum laufen nur eigene Plugins des Projekts.",
    "Installiere bubblewrap: unter Debian und Ubuntu `sudo apt install bubblewrap`.",
  ],
  confinement_lowered: [
    "Das Plugin lief bisher abgeschottet und liefe jetzt mit weniger Schutz.",
    "Stelle die Abschottung wieder her, siehe die Seite Zustand.",
  ],
  protocol_error: ["Das Plugin hielt sich nicht an das Protokoll und wurde beendet.", "Melde es dem Herausgeber."],
  trial_run: [
    "Das Plugin ist im Probelauf und antwortet nur dem Betreiber dieses Knotens.",
    "Warte, bis der Probelauf vorbei ist; er dauert höchstens einen Tag.",
  ],
  no_trial: ["Von diesem Plugin läuft kein Probelauf.", "Beginne einen auf seiner Seite."],
  proposal_stale: [
    "Das Plugin hat mehr benutzt, seit der Vorschlag gezeigt wurde.",
    "Sieh dir den neuen Vorschlag an und nimm ihn dann an.",
  ],
  question_gone: [
    "Diese Frage ist nicht mehr offen: sie wurde beantwortet, oder ihre 30 Sekunden sind vorbei.",
    "Warte, bis das Plugin wieder fragt, oder ändere seine Erlaubnisse.",
  ],
  role_taken: ["Ein anderes Plugin hat diese Rolle.", "Nenne auch das Plugin, das sie abgibt."],
  needed_by: ["Ein anderes Plugin braucht dieses.", "Entferne zuerst das andere."],
  disabled: ["Das Plugin ist ausgeschaltet.", "Schalte es auf seiner Seite ein."],
  language_unsupported: ["Diese Sprache ist für die Texterkennung nicht installiert.", "Wähle eine installierte Sprache."],
  source: [
    "Es wird genau ein Bild oder Dokument gebraucht.",
    "Sende entweder die Datei selbst oder die Kennung einer gespeicherten.",
  ],
  decode_failed: [
    "Das ist kein lesbares Bild oder Dokument.",
    "Sende ein PDF oder ein Bild als PNG, JPEG, WebP, BMP, TIFF oder PNM; ist es beschädigt, speichere es neu.",
  ],
  pdf_encrypted: [
    "Das PDF ist geschützt, und dieses Passwort öffnet es nicht.",
    "Sende das richtige Passwort mit oder speichere die Datei ohne Schutz.",
  ],
  too_many_pages: [
    "Das sind mehr Seiten, als ein Aufruf liest.",
    "Frage mit `page_range` nach einem Teil, danach ab `more_from` weiter.",
  ],
  page_out_of_range: ["Diese Seiten hat das Dokument nicht.", "Seiten zählen ab 1; nenne entweder `page_range` oder `pages`."],
  page_timeout: ["Die Seite zu lesen dauerte länger, als dieser Knoten erlaubt.", "Sende sie kleiner oder lass sie aus."],
  backend_unknown: [
    "Eine Texterkennung mit diesem Namen gibt es nicht.",
    "Lass `backend` weg oder wähle eine, die aufgeführt ist.",
  ],
  model_missing: ["Eine Modelldatei fehlt.", "Installiere sie auf der Seite des Plugins."],
  blob_store_missing: [
    "Dieser Knoten hat noch keinen Dateispeicher.",
    "Sende die Bytes direkt mit oder installiere das Dateien-Plugin.",
  ],
  caller_right: [
    "Wer hier fragt, darf das nicht sehen oder ändern, und ein Plugin darf es nicht für ihn tun.",
    "Frage als Mitglied der Gemeinschaft oder als Besitzer dieses Knotens.",
  ],
  blob_altered: [
    "Der Dateispeicher hat andere Bytes geliefert als die verlangten.",
    "Sieh im Protokoll des Dateispeichers nach; die Datei kann auf der Platte beschädigt sein.",
  ],
  blob_unknown: ["Diese Datei gibt es hier nicht.", "Frage, wer sie geteilt hat, ob es sie noch gibt."],
  hash_mismatch: [
    "Was gesendet wurde, ist nicht, was die Beschreibung der Datei sagt.",
    "Lies die Datei noch einmal und sende nur die verlangten Stücke.",
  ],
  member_quota_full: [
    "Du hast hier so viel gespeichert, wie ein Mitglied darf.",
    "Bitte darum, etwas davon zu löschen, oder nimm einen anderen Knoten.",
  ],
  locked: [
    "Private Dateien sind auf diesem Knoten verschlossen.",
    "Öffne den Speicher auf der Seite des Plugins mit seiner Passphrase.",
  ],
  upload_expired: ["Hier gibt es keinen Upload, der weitergehen könnte.", "Beginne ihn neu mit `file.put`."],
  fetch_failed: [
    "Kein erreichbarer Knoten konnte die ganze Datei liefern.",
    "Bitte, wer sie geteilt hat, den Knoten einzuschalten, und hole sie dann noch einmal: Was ankam, bleibt erhalten.",
  ],
  replica_refused: [
    "Auf diesem Knoten ist kein Platz mehr für Kopien von Dateien der Nachbarn.",
    "Gib in den Einstellungen des Datei-Plugins mehr Platz für Kopien frei oder überlass die Kopie einem anderen Knoten.",
  ],
  low_order_point: [
    "Mit diesem Schlüssel wäre das gemeinsame Geheimnis allen bekannt.",
    "Nimm den Schlüssel der Gegenseite aus ihrer Knoten-ID.",
  ],
  not_shown: [
    "Dieses Dokument wird erst unterschrieben, wenn der Besitzer des Knotens es gesehen hat, und dieser Knoten kann es noch nicht zeigen.",
    "Warte auf eine Version, die das kann.",
  ],
  already_set_up: [
    "Dieser Knoten ist schon eingerichtet.",
    "Melde dich an oder führe `hearthnet setup` im Terminal aus, um die Anmeldung zurückzusetzen.",
  ],
  setup_token: [
    "Der Einrichtungs-Link ist verbraucht oder zu alt.",
    "Führe `hearthnet setup` im Terminal aus und nimm den neuen.",
  ],
  not_set_up: ["Dieser Knoten ist noch nicht eingerichtet.", "Öffne den Einrichtungs-Link, den das Terminal zeigt."],
  signed_out: ["Du bist nicht angemeldet.", "Melde dich an."],
  password_wrong: ["Das Passwort stimmt nicht.", "Versuche es noch einmal; `hearthnet setup` im Terminal setzt es zurück."],
  password_weak: ["Das Passwort ist zu kurz.", "Nimm mindestens 12 Zeichen."],
  dev_off: [
    "Dieser Knoten nimmt keine Plugins aus der Sitzung eines Autors an.",
    "Starte ihn mit `hearthnet up --dev`, oder setze `dev: true` in hearthnet.config.ts.",
  ],
  dev_taken: [
    "An einem Plugin dieses Namens arbeitet schon eine andere Sitzung.",
    "Beende sie zuerst mit Strg-C in ihrem Terminal.",
  ],
  step_up_required: ["Dieser Schritt braucht noch einmal dein Passwort.", "Bestätige mit deinem Passwort."],
  cross_site: ["Die Anfrage kam von einer anderen Seite.", "Öffne die Seite unter ihrer eigenen Adresse."],
  wrong_host: ["Die Seite wurde unter einem fremden Namen geöffnet.", "Öffne sie unter der Adresse, die das Terminal zeigt."],
  probe_failed: [
    "Die neue Version ist gestartet, kann aber nicht übernehmen.",
    "Es hat sich nichts geändert; melde es dem Herausgeber.",
  ],
  not_kept: [
    "Diese Version wird auf diesem Knoten nicht mehr aufbewahrt.",
    "Geh zu einer zurück, die noch da ist, oder installiere diese aus dem Katalog.",
  ],
  review_stale: ["Das Paket hat sich geändert, während du gelesen hast.", "Lies die Übersicht noch einmal."],
  etag_stale: ["Jemand hat das inzwischen geändert.", "Lade es neu und wiederhole deine Änderung."],
  consent_required: [
    "Dieses Plugin verlangt ein mächtiges Recht.",
    "Bestätige, indem du den Namen des Plugins eintippst (`--confirm ID`).",
  ],
  node_not_running: [
    "Mit diesem Datenordner läuft kein Knoten.",
    "Starte ihn mit `hearthnet up` oder nenne mit `--data` einen anderen Ordner.",
  ],
  data_locked: [
    "Ein anderer Knoten läuft schon mit diesem Datenordner.",
    "Halte ihn zuerst an oder wähle mit `--data` einen anderen Ordner.",
  ],
  port_taken: ["Der Port ist schon belegt.", "Wähle einen anderen mit `--port` oder `--admin-port`; bei 0 wählt das System."],
  disk_full: ["Der Datenträger ist voll; mehr lässt sich nicht speichern.", "Schaffe Platz; was gespeichert ist, bleibt lesbar."],
  proposal_invalid: [
    "Das ist keine echte Bitte um Unterschriften dieser Gemeinschaft.",
    "Kopiere den ganzen Text, oder lass ihn neu machen.",
  ],
  proposal_expired: ["Die Bitte um Unterschriften ist abgelaufen.", "Lass eine neue machen; Unterschriften gelten einen Tag."],
  own_state_unconfirmed: [
    "Dieser Knoten hat seine letzten eigenen Ereignisse verloren und noch nicht von genug Nachbarn davon gehört.",
    "Warte, bis zwei Knoten von Nachbarn erreichbar sind, und versuche es dann noch einmal.",
  ],
  log_being_read: [
    "Dieser Knoten ist eben gestartet und liest sein Protokoll noch.",
    "Versuche es in einer Sekunde noch einmal.",
  ],
  peer_backed_off: [
    "Zu viel von dem, was dieser Knoten für das Protokoll geschickt hat, wurde abgelehnt.",
    "Warte zehn Minuten; kommt es wieder, aktualisiere den Knoten oder sieh nach seiner Uhr.",
  ],
  message_malformed: [
    "Eine Nachricht auf diesem WebSocket hat nicht die Form des Protokolls.",
    "Schicke Textnachrichten so, wie das Protokoll sie beschreibt, nummeriert und im Fenster.",
  ],
  not_streaming: ["Diese Fähigkeit antwortet in einem Stück; ein WebSocket ist für Ströme.", "Schicke es als gewöhnliches POST."],
  sockets_full: [
    "Von deiner Adresse sind zu viele WebSockets offen, die noch nicht gesagt haben, wer sie sind.",
    "Schicke auf jedem gleich die erste Nachricht, oder nimm Server-Sent Events.",
  ],
  plugin_sockets_full: [
    "Zu diesem Plugin sind zu viele WebSockets offen.",
    "Schließe einen, den du nicht mehr brauchst, oder versuche es später noch einmal.",
  ],
  websocket_only: ["Diese Adresse spricht WebSocket und beantwortet keine einfache Anfrage.", "Öffne dort einen WebSocket."],
  acks_missing: ["Was geschickt wurde, wurde nicht rechtzeitig bestätigt.", "Lies schneller, oder verlange weniger."],
  ...workerReasons,
  usage: ["Der Befehl ist nicht vollständig.", "Siehe `hearthnet --help`."],
  ...packageReasons,
} satisfies Record<keyof typeof en.reasons, ErrorText>;

export const errors: typeof en = {
  codes,
  reasons,
  page: {
    node_silent: [
      "Der Knoten antwortet nicht.",
      "Starte ihn in seinem Terminal mit `hearthnet up` und versuche es dann noch einmal.",
    ],
    answer_lost: ["Die Verbindung zum Knoten ging verloren und mit ihr die Antwort.", "Führe es noch einmal aus."],
    page_broken: [
      "Diese Seite hat einen Fehler gemacht.",
      "Lade sie neu; geschieht es wieder, melde es mit den Schritten davor.",
    ],
  },
  retryIn: (o: { time: string }) => `Wieder möglich in ${o.time}.`,
  said: "In den Worten des Knotens (Englisch)",
};
