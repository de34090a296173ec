import type { versions as en } from "./en.versions.ts";

export const versions = {
  versions: {
    badge: (o: { version: string }) => `Neue Version ${o.version}`,
    now: "In Gebrauch",
    newer: "Neuere Version",
    newest: "Das ist die neueste Version im Katalog.",
    update: (o: { version: string }) => `Prüfen und auf ${o.version} wechseln`,
    how: "Aufrufe gehen dabei weiter: laufende enden bei der Version, die sie begonnen hat, neue gehen an die neue Version. Scheitert sie öfter als die vorige, wechselt der Knoten von selbst zurück.",
    confirm: "Mit diesen Rechten wechseln",
    kept: "Aufbewahrte Versionen",
    keptHint: "Die letzten zwei Versionen bleiben 30 Tage hier, damit du zu ihnen zurückkannst.",
    none: "Es ist keine frühere Version aufbewahrt.",
    since: (o: { at: string }) => `aufbewahrt seit ${o.at}`,
    allowed: (o: { list: string }) => `Erlaubt war: ${o.list}.`,
    allowedNothing: "Erlaubt war nichts.",
    back: "Zurückwechseln",
    backTo: (o: { version: string }) => `Zurück zu ${o.version}`,
    backTitle: (o: { name: string; version: string }) => `Zurück zu ${o.name} ${o.version}?`,
    backWhat: "Sie bekommt die Rechte, die sie hatte, ohne die seither entzogenen. Die jetzige Version bleibt aufbewahrt.",
    loses: (o: { at: string }) =>
      `Sie kann die Daten von jetzt nicht lesen. Sie kommt mit denen vom ${o.at} zurück; was seither geschrieben wurde, geht verloren.`,
    jobTitle: "Versionswechsel",
    jobDone: "Die Version ist gewechselt.",
    jobFailed: "Die Version ist nicht gewechselt.",
    jobCancelled: "Der Wechsel wurde abgebrochen; die Version ist dieselbe.",
  },
} satisfies typeof en;
