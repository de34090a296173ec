import type { ErrorText } from "./en.errors.ts";

/** Packages that come from neighbours. */
export const packageReasons = {
  nobody_has_it: [
    "Das Verzeichnis ist nicht erreichbar, und kein Nachbar in Reichweite hat, was gebraucht wird.",
    "Warte, bis das Internet wieder da ist oder ein Knoten eines Nachbarn in Reichweite kommt, der es hat, oder bring das Paket als Datei mit.",
  ],
  neighbours_damaged: [
    "Was Nachbarn gegeben haben, ist nicht das, was der Katalog nennt, und niemand sonst in Reichweite hat es.",
    "Es wurde nichts installiert. Versuche es noch einmal, wenn ein anderer Nachbar oder das Verzeichnis erreichbar ist.",
  ],
  package_absent: [
    "Dieser Knoten hat diese Datei nicht zu vergeben.",
    "Frage einen anderen Nachbarn oder das Verzeichnis selbst.",
  ],
  uploads_full: [
    "Dieser Knoten gibt schon so viele Dateien an Nachbarn, wie er es gleichzeitig tut.",
    "Frage in ein paar Sekunden noch einmal, oder frage einen anderen Nachbarn.",
  ],
} satisfies Record<string, ErrorText>;
