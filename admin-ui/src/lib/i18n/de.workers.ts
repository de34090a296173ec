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
} as const satisfies Record<string, ErrorText>;
