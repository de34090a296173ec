export interface Words {
  greeting: (times: number) => string;
  more: string;
}

const WORDS: Record<string, Words> = {
  en: {
    greeting: (times) => `Hello from __TITLE__${times === 1 ? "" : `, ${times} times`}.`,
    more: "Greet again",
  },
  de: {
    greeting: (times) => `Hallo von __TITLE__${times === 1 ? "" : `, ${times} Mal`}.`,
    more: "Noch einmal grüßen",
  },
};

/** What the page says in a language; English where there is no text of its own, and until the language is known. */
export function wordsIn(language = "en"): Words {
  return WORDS[language] ?? (WORDS["en"] as Words);
}
