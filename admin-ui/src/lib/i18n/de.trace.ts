import { counted } from "./plural.ts";
import type { trace as english } from "./en.trace.ts";

const calls = counted("de", "1 Aufruf", "{n} Aufrufe");

export const trace: typeof english = {
  intro:
    "Die letzten 10.000 Aufrufe, die dieser Knoten gemacht oder bedient hat: wer wen rief, wie es ausging und wie lange es dauerte. Was gesagt wurde, wird nicht aufgehoben, und nichts davon überlebt den nächsten Start des Knotens.",
  capability: "Fähigkeit",
  capabilityHint: "Ein Name oder seine ersten Wörter: ocr findet auch ocr.image.",
  node: "Knoten",
  everyone: "Alle Knoten",
  result: "Ergebnis",
  any: "Jedes",
  id: "Spur-Nummer",
  search: "Suchen",
  noMatch: "Kein Aufruf passt dazu.",
  open: (o) => `Spur ${o.id}`,
  gone: "Von dieser Spur ist nichts bekannt",
  goneWhat: "Sie ist älter als die letzten 10.000 Aufrufe oder stammt aus der Zeit vor dem Start des Knotens.",
  sum: (o) => `${calls(o.calls)} in ${o.took}.`,
  picture: "Wann jeder Aufruf lief",
  table: "Die Aufrufe dieser Spur",
  call: "Aufruf",
  began: "Begann nach",
  tokens: "Tokens hinein / heraus",
};
