import type { SeenPage } from "./seen.ts";
import type { Words } from "./words.ts";

const DOUBTFUL = 0.6;

/** The pages on screen, and what is looked for in them. Text is only ever set as text. */
export class Pages {
  readonly #place: HTMLElement;
  readonly #texts = new Map<number, { text: string; source: SeenPage["source"]; confidence: number; shown: HTMLElement }>();
  #wanted = "";

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  get count(): number {
    return this.#texts.size;
  }

  clear(): void {
    this.#texts.clear();
    this.#place.replaceChildren();
  }

  add({ page, text, source, confidence }: SeenPage, words: Words): void {
    const before = this.#texts.get(page);
    const shown = before?.shown ?? this.#place.appendChild(document.createElement("article"));
    this.#texts.set(page, { text: (before?.text ?? "") + text, source, confidence, shown });
    this.#show(page, words);
  }

  /** @returns places found */
  find(wanted: string, words: Words): number {
    this.#wanted = wanted.trim();
    for (const page of this.#texts.keys()) this.#show(page, words);
    this.#place.querySelector("mark")?.scrollIntoView({ block: "nearest" });
    return this.#place.querySelectorAll("mark").length;
  }

  say(words: Words): void {
    for (const page of this.#texts.keys()) this.#show(page, words);
  }

  #show(page: number, words: Words): void {
    const found = this.#texts.get(page);
    if (found === undefined) return;
    const head = document.createElement("h2");
    head.textContent = words.page(page);
    const about = document.createElement("p");
    about.className = "about";
    const source = found.source === "ocr" ? words.ofPicture : words.ofText;
    about.textContent = found.confidence < DOUBTFUL ? `${source}. ${words.doubtful}` : source;
    const text = document.createElement("p");
    text.className = "text";
    text.append(...(found.text === "" ? [words.empty] : marked(found.text, this.#wanted)));
    found.shown.replaceChildren(head, about, text);
  }
}

/** Text with each place of `wanted` marked, whatever its capitals. */
function marked(text: string, wanted: string): (string | HTMLElement)[] {
  if (wanted === "") return [text];
  const parts: (string | HTMLElement)[] = [];
  const low = text.toLowerCase();
  // Letters whose small form is longer would shift every place behind them.
  const from = low.length === text.length ? low : text;
  const what = low.length === text.length ? wanted.toLowerCase() : wanted;
  let at = 0;
  for (let hit = from.indexOf(what); hit >= 0; hit = from.indexOf(what, at)) {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(hit, hit + what.length);
    parts.push(text.slice(at, hit), mark);
    at = hit + what.length;
  }
  return [...parts, text.slice(at)];
}
