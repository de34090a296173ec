import type { bundle as en } from "./en.bundle.ts";
import { counted } from "./plural.ts";

export const bundle = {
  title: "Von einem Stick",
  attach: "Ein Bündel einlegen",
  hint: "Lege eine .hnbundle-Datei hier ab oder wähle eine. Sie wird kopiert und geprüft; nichts davon läuft, bevor du es installierst.",
  choose: "Bündel wählen",
  progress: (o: { name: string }) => `${o.name} wird übertragen`,
  checking: "Alles ist angekommen; es wird geprüft …",
  attached: (o: { name: string }) => `${o.name} ist eingelegt.`,
  failed: (o: { name: string }) => `${o.name} wurde nicht eingelegt. Nichts davon wurde behalten.`,
  made: (o: { day: string }) => `Gemacht: ${o.day}`,
  assets: counted("de", "mit {n} Datei für seine Plugins", "mit {n} Dateien für seine Plugins"),
  catalogue: (o: { registry: string; age: string }) =>
    o.age === "" ? `Katalog von ${o.registry}` : `Katalog von ${o.registry}, unterschrieben ${o.age}`,
  standing: {
    newer: "neuer als das Bekannte",
    same: "wie hier bekannt",
    older: "älter als das Bekannte; wird nicht genutzt",
    unknown: "von einem Verzeichnis, das dieser Knoten nicht kennt",
  },
  unusable: "nicht im Katalog dieses Knotens",
  detach: "Herausnehmen",
  detachOne: (o: { day: string }) => `Das Bündel von ${o.day} herausnehmen`,
  detachTitle: "Dieses Bündel herausnehmen?",
  detachAsk: (o: { size: string }) => `Die Kopie wird gelöscht, das macht ${o.size} frei. Was daraus installiert wurde, bleibt.`,
  detached: "Das Bündel ist herausgenommen.",
  old: (o: { age: string }) =>
    `Der Katalog ist von ${o.age} und abgelaufen: was seither zurückgezogen wurde, ist hier nicht bekannt. Etwas Neueres ist nicht zu erreichen.`,
  useOld: "Dieses eine Mal aus dem alten Katalog installieren",
} satisfies typeof en;
