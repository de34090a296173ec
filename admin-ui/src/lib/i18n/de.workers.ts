import type { ErrorText } from "./en.errors.ts";

export const workerReasons = {
  worker_cpu: [
    "Die Arbeit hat die ganze Rechenzeit verbraucht, die sich das Plugin für eine Nachricht erlaubt.",
    "Gib ihm weniger auf einmal; geht das nicht, sage es dem Herausgeber.",
  ],
  worker_closed: [
    "Der Arbeiter, der dafür gehalten wurde, ist zu Ende.",
    "Öffne ihn noch einmal und gib ihm noch einmal, was er wissen muss.",
  ],
  program_platform: [
    "Das Programm des Plugins ist für eine andere Art von Rechner gebaut.",
    "Frage den Herausgeber nach einer Fassung für diesen Rechner.",
  ],
  program_absent: [
    "Die Datei mit dem Programm des Plugins liegt nicht auf diesem Knoten.",
    "Installiere das Plugin noch einmal, während jemand erreichbar ist, der die Datei hat.",
  ],
  program_changed: [
    "Das Programm des Plugins auf dieser Festplatte ist nicht die Datei, die der Herausgeber genannt hat; es wurde nicht ausgeführt.",
    "Entferne das Plugin und installiere es neu; kommt das wieder, prüfe die Festplatte.",
  ],
  program_undeclared: [
    "Eine Beigabe enthält Maschinencode, von dem das Manifest des Plugins nichts sagt.",
    "Sag es dem Herausgeber: Die Datei muss unter „exec“ eines Arbeiters stehen, so heißen, wie sie ist (.so, .node), oder weg.",
  ],
} as const satisfies Record<string, ErrorText>;
