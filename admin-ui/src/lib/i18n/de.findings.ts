import type { findings as en } from "./en.findings.ts";
import { counted } from "./plural.ts";

const GIB = 2 ** 30;
const gigabytes = new Intl.NumberFormat("de", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const mebi = (bytes: number): string => gigabytes.format(bytes / 2 ** 20);
const free = (bytes: number): string => `${gigabytes.format(bytes / GIB)} GiB frei.`;
const minute = new Intl.DateTimeFormat("de", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const day = new Intl.DateTimeFormat("de", { dateStyle: "long", timeZone: "UTC" });
const days = counted("de", "{n} Tag alt.", "{n} Tage alt.");
const age = (o: { days: number; devRoot: boolean }): string =>
  `${o.days < 1 ? "Von heute." : days(o.days)}${o.devRoot ? " Er wurde zum Entwickeln auf diesem Rechner gebaut und unterschrieben." : ""}`;
const said = (found: string): string => (found === "" ? "" : ` (\`${found}\`)`);

const repairs: typeof en.repairs = {
  bwrap: () => ({
    title: "bubblewrap ist nicht installiert, darum lassen sich Plugins nicht abschotten.",
    fix: "Führe unter Debian und Ubuntu `sudo apt install bubblewrap` aus, unter Fedora `sudo dnf install bubblewrap`, und starte HearthNet dann neu.",
  }),
  bwrap_version: (found) => ({
    title: `${found === "" ? "bubblewrap nannte seine Version nicht." : `bubblewrap ${found} ist älter als 0.8.0.`} Damit lassen sich Plugins nicht abschotten.`,
    fix: "Bringe bubblewrap auf 0.8.0 oder neuer (Debian 12, Ubuntu 24.04).",
  }),
  prlimit: () => ({
    title: "Das Programm prlimit fehlt. Ohne es lassen sich Plugins nicht abschotten.",
    fix: "Installiere util-linux: `sudo apt install util-linux`.",
  }),
  setpriv: () => ({
    title: "Das Programm setpriv fehlt. Ohne es lassen sich Plugins nicht abschotten.",
    fix: "Installiere util-linux: `sudo apt install util-linux`.",
  }),
  architecture: (found) => ({
    title: `Für ${found} gibt es keinen Filter für Systemaufrufe. Plugins lassen sich nicht abschotten.`,
    fix: "Nimm einen Rechner mit 64-Bit-Prozessor von x86 oder ARM.",
  }),
  platform: (found) => ({
    title: `Für ${found} gibt es noch keine Abschottung. Plugins des Projekts laufen nur mit dem Rechtemodell von Node.`,
    fix: "Nimm Linux, um Plugins anderer Herausgeber laufen zu lassen.",
  }),
  apparmor: (found) => ({
    title: `AppArmor hindert bubblewrap daran, eigene Benutzer-Namensräume anzulegen, wie seit Ubuntu 23.10 üblich${said(found)}.`,
    fix:
      "Erlaube es für bubblewrap: lege /etc/apparmor.d/bwrap an mit den Zeilen `abi <abi/4.0>,` `include <tunables/global>` " +
      "`profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }`, führe dann `sudo systemctl reload apparmor` aus und starte HearthNet neu.",
  }),
  userns: (found) => ({
    title: `Dieser Kern lässt gewöhnliche Benutzer keine eigenen Namensräume anlegen${said(found)}.`,
    fix: "Führe `sudo sysctl -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1` aus (das zweite nur unter Debian) und schreibe dieselben Zeilen nach /etc/sysctl.d/.",
  }),
  sandbox: (found) => ({
    title: `bubblewrap ist installiert, konnte die Abschottung aber nicht aufbauen${said(found)}.`,
    fix: "Starte einen Container mit `--security-opt seccomp=unconfined --cap-add SYS_ADMIN`; sonst steht im Protokoll von HearthNet, was bubblewrap gesagt hat.",
  }),
  root: () => ({
    title:
      "HearthNet läuft als root. Plugins laufen als Benutzer 65534 ohne Rechte, aber ein Fehler in HearthNet selbst hätte den ganzen Rechner in der Hand.",
    fix: "Lass HearthNet als gewöhnlicher Benutzer laufen; es braucht keine Rechte von root.",
  }),
};

const runtime = ({ version, platform }: { version: string; platform: string }): { title: string; detail: string } => ({
  title: "Laufzeit",
  detail: `Node ${version} auf ${platform}.`,
});
const ROOM = "Schaffe Platz auf diesem Datenträger oder lege den Datenordner mit `--data` woandershin.";

const checks: typeof en.checks = {
  runtime_fits: (o) => ({ ...runtime(o), fix: "" }),
  runtime_foreign: (o) => ({
    ...runtime(o),
    fix: "Starte HearthNet mit `npm start` oder `npx hearthnet`; beide nehmen das Node, das es mitbringt.",
  }),
  data_private: ({ dir }) => ({ title: "Datenordner", detail: dir, fix: "" }),
  data_readable: ({ dir }) => ({
    title: "Datenordner",
    detail: `Andere Benutzer dieses Rechners können in ${dir} hineinsehen.`,
    fix: `Führe \`chmod 700 '${dir}'\` aus.`,
  }),
  data_none: ({ dir }) => ({ title: "Datenordner", detail: `${dir} entsteht beim ersten Start.`, fix: "" }),
  disk_room: ({ freeBytes }) => ({ title: "Datenträger", detail: free(freeBytes), fix: "" }),
  disk_low: ({ freeBytes }) => ({ title: "Datenträger", detail: free(freeBytes), fix: ROOM }),
  disk_full: ({ freeBytes }) => ({ title: "Datenträger", detail: free(freeBytes), fix: ROOM }),
  clock_right: ({ now }) => ({ title: "Uhr", detail: `${minute.format(now)} Weltzeit (UTC).`, fix: "" }),
  clock_behind: ({ now, built }) => ({
    title: "Uhr",
    detail: `Die Uhr zeigt ${minute.format(now)} Weltzeit (UTC); diese Version entstand aber erst am ${day.format(built)}.`,
    fix: "Stelle Datum und Uhrzeit dieses Rechners; Unterschriften und Zertifikate hängen davon ab.",
  }),
  confined: ({ label, held, probes }) => ({
    title: "Abschottung der Plugins",
    detail: `Stufe ${label}: das Betriebssystem schließt jedes Plugin ein (${held} von ${probes} Proben hielten).`,
    fix: "",
  }),
  unconfined: ({ label, repair }) => ({
    title: "Abschottung der Plugins",
    detail: `Stufe ${label}: das Betriebssystem schließt Plugins nicht ein. Nur Plugins des Projekts laufen.`,
    fix: repair === null ? "" : repairs[repair.id](repair.found).fix,
  }),
  repair: ({ id, found }) => {
    const { title, fix } = repairs[id](found);
    return { title: "Abschottung", detail: title, fix };
  },
  addresses: ({ bus, page }) => ({
    title: "Adressen",
    detail: `Der Bus antwortet unter ${bus}, die Seite unter ${page}.`,
    fix: "",
  }),
  catalogue_unread: () => ({ title: "Katalog", detail: "Er wird gerade gelesen.", fix: "" }),
  catalogue_current: (o) => ({ title: "Katalog", detail: age(o), fix: "" }),
  catalogue_stale: (o) => ({
    title: "Katalog",
    detail: age(o),
    fix: "Verbinde dich einmal mit dem Internet oder einem Nachbarn, damit neuere Versionen gesehen werden.",
  }),
  registry_read: ({ id, source, namespaces, days }) => ({
    title: `Verzeichnis ${id}`,
    detail: `${source} spricht für ${namespaces}. ${days < 1 ? "Von heute." : `${days} Tage alt.`}`,
    fix: "",
  }),
  registry_unread: ({ id, source, namespaces }) => ({
    title: `Verzeichnis ${id}`,
    detail: `${source} spricht für ${namespaces}. Daraus wurde noch nichts gelesen.`,
    fix: `Sieh nach, ob es antwortet und ob „root“ von ${id} in hearthnet.config.ts das ist, was du von seinem Betreuer bekommen hast.`,
  }),
  catalogue_silent: ({ registries }) => ({
    title: "Katalog",
    detail: `${registries.map(({ id, what }) => `Verzeichnis ${id}: ${what}`).join(" ")} Gezeigt wird, was zuvor bekannt war.`,
    fix: "Prüfe die Verbindung zum Internet und die Adresse des Verzeichnisses; installierte Plugins betrifft das nicht.",
  }),
  data_filling: ({ id, usedBytes, limitBytes }) => ({
    title: `Der Datenordner von ${id} ist fast voll.`,
    detail: `${mebi(usedBytes)} von ${mebi(limitBytes)} MB. Über ${mebi(limitBytes * 1.1)} MB wird das Plugin angehalten.`,
    fix: "Lösche im Plugin, was nicht mehr gebraucht wird, oder erlaube ihm mehr Platz.",
  }),
  neighbours: ({ online, known }) => ({
    title: "Nachbarn",
    detail: `${online} von ${known} bekannten Knoten erreichbar.`,
    fix: "",
  }),
  givers: ({ names }) => ({
    title: "Plugins von Nachbarn",
    detail:
      names === ""
        ? "Kein Knoten in Reichweite gibt welche."
        : `Gefragt wird, wo ein Verzeichnis nicht erreichbar ist: ${names}.`,
    fix: "",
  }),
  givers_unasked: () => ({
    title: "Plugins von Nachbarn",
    detail: "Kein Nachbar wird gefragt: „askPeers“ in hearthnet.config.ts ist false.",
    fix: "",
  }),
  no_community: () => ({
    title: "Nachbarn",
    detail: "Dieser Knoten gehört noch zu keiner Gemeinschaft.",
    fix: "Gründe eine mit `hearthnet community create NAME` oder tritt mit `hearthnet join` einer bei.",
  }),
  key_conflict: ({ node, own }) => ({
    title: "Ein Schlüssel, zwei Knoten",
    detail: own
      ? `Ein anderer laufender Prozess benutzt den Schlüssel dieses Knotens (${node}). Nachbarn sprechen nur mit einem von beiden.`
      : `Zwei laufende Prozesse benutzen den Schlüssel des Nachbarn ${node}; dieser Knoten spricht nur mit dem ersten.`,
    fix: own
      ? "Halte einen davon an. Die Kopie eines Datenordners braucht einen eigenen Schlüssel: lösche darin `keys/` und tritt neu bei."
      : "Bitte den Nachbarn, einen der beiden anzuhalten. Hat er nur einen, kann der Schlüssel gestohlen sein: sperre ihn.",
  }),
};

export const findings = {
  checks,
  repairs,
  probes: {
    A01: "/etc/shadow und den Ordner des Knotens lesen",
    A02: "in /, /usr, /dev und /plugin schreiben",
    "A05-tcp": "den Rechner des Knotens über TCP erreichen",
    "A05-udp": "einen UDP-Anschluss öffnen",
    "A05-unix": "einen abstrakten Unix-Anschluss erreichen",
    A09: "dem Knoten ein Signal senden",
    A10: "fremde Umgebung oder fremden Benutzer sehen",
    A04: "node:sqlite ohne Erlaubnis laden",
    A07: "einen Prozess starten",
    A11: "eine Erweiterung in Maschinensprache laden",
  },
  remarks: {
    no_proc: () => "dieses System hat kein /proc, aus dem sich etwas ablesen ließe",
    no_filter: () => "kein Filter für Systemaufrufe ist aktiv",
    new_privileges: () => "neue Rechte sind nicht ausgeschlossen",
    capabilities: (found) => `Sonderrechte sind geblieben (${found})`,
    root: () => "es läuft als root des Rechners",
    shared: (found) => `es teilt Namensräume mit dem Knoten: ${found}`,
    no_permission_model: () => "das Rechtemodell von Node ist aus",
    soft_limits: () => "Speicher und Prozesse werden beobachtet, nicht von einer Kontrollgruppe begrenzt",
    daemon_root: () => "der Knoten läuft als root, Plugins als Benutzer 65534",
    in_process: () => "es läuft im Prozess seines Tests",
  },
} satisfies typeof en;
