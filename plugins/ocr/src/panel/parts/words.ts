import type { Seen } from "./seen.ts";

/** What the panel says. */
export interface Words {
  title: string;
  choose: string;
  drop: string;
  sending: (share: number) => string;
  /** What is being done, with which page of how many. */
  stages: Record<Seen["stage"], (current: number, total: number) => string>;
  done: (pages: number) => string;
  stop: string;
  stopped: string;
  password: string;
  unlock: string;
  search: string;
  /** Places found. */
  hits: (count: number) => string;
  page: (number: number) => string;
  ofText: string;
  ofPicture: string;
  doubtful: string;
  empty: string;
  /** By reason; others are said in the plugin's words. */
  refusals: Record<string, string>;
}

const EN: Words = {
  title: "Read a document",
  choose: "Choose a PDF",
  drop: "or drop it here. Nothing leaves this node.",
  sending: (share) => `Handing the document over: ${share} %`,
  stages: {
    open: () => "Opening the document",
    text_layer: (current, total) => `Taking the text of page ${current} of ${total}`,
    render: (current, total) => `Drawing page ${current} of ${total}`,
    ocr: (current, total) => `Reading page ${current} of ${total}`,
    store: () => "Storing the text",
  },
  done: (pages) => (pages === 1 ? "One page read" : `${pages} pages read`),
  stop: "Stop",
  stopped: "Stopped",
  password: "Password of the document",
  unlock: "Open",
  search: "Search the text",
  hits: (count) => (count === 0 ? "Not found" : count === 1 ? "Found once" : `Found ${count} times`),
  page: (number) => `Page ${number}`,
  ofText: "The document's own text",
  ofPicture: "Read from the picture of the page",
  doubtful: "Much of this page could not be read with certainty.",
  empty: "No text on this page.",
  refusals: {
    pdf_encrypted: "The document is protected. Its password opens it.",
    decode_failed: "This is not a PDF that can be read, or it is damaged.",
    too_large: "The document, or a page of it, is too large. At most 8 MiB are read.",
    too_many_pages: "The document has more pages than are read at once. Split it.",
    page_timeout: "A page took too long to read.",
    memory: "A page needs more memory than there is for it.",
  },
};
const DE: Words = {
  title: "Ein Dokument lesen",
  choose: "PDF auswählen",
  drop: "oder hierher ziehen. Nichts verlässt diesen Knoten.",
  sending: (share) => `Das Dokument wird übergeben: ${share} %`,
  stages: {
    open: () => "Das Dokument wird geöffnet",
    text_layer: (current, total) => `Text der Seite ${current} von ${total} wird übernommen`,
    render: (current, total) => `Seite ${current} von ${total} wird gezeichnet`,
    ocr: (current, total) => `Seite ${current} von ${total} wird gelesen`,
    store: () => "Der Text wird gespeichert",
  },
  done: (pages) => (pages === 1 ? "Eine Seite gelesen" : `${pages} Seiten gelesen`),
  stop: "Anhalten",
  stopped: "Angehalten",
  password: "Passwort des Dokuments",
  unlock: "Öffnen",
  search: "Im Text suchen",
  hits: (count) => (count === 0 ? "Nicht gefunden" : count === 1 ? "Einmal gefunden" : `${count} Mal gefunden`),
  page: (number) => `Seite ${number}`,
  ofText: "Text des Dokuments selbst",
  ofPicture: "Vom Bild der Seite gelesen",
  doubtful: "Vieles auf dieser Seite ließ sich nicht sicher lesen.",
  empty: "Kein Text auf dieser Seite.",
  refusals: {
    pdf_encrypted: "Das Dokument ist geschützt. Sein Passwort öffnet es.",
    decode_failed: "Das ist kein lesbares PDF, oder es ist beschädigt.",
    too_large: "Das Dokument oder eine Seite darin ist zu groß. Höchstens 8 MiB werden gelesen.",
    too_many_pages: "Das Dokument hat mehr Seiten, als auf einmal gelesen werden. Teile es auf.",
    page_timeout: "Eine Seite zu lesen dauerte zu lange.",
    memory: "Eine Seite braucht mehr Speicher, als für sie da ist.",
  },
};

export function wordsIn(language: string): Words {
  return language === "de" ? DE : EN;
}
