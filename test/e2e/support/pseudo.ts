import type { Page } from "playwright-core";

/** Letters that the pseudo-language writes with accents, so that a word with a plain one did not come from the catalogue. */
const PLAIN = "aeioucnsAEOU";
/** What the browser's own formats of times, sizes and durations bring along. */
const FORMATS =
  /\b(January|February|March|April|May|June|July|August|September|October|November|December|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec|AM|PM|at|ago|now|in|yesterday|tomorrow|bytes?|kB|MB|GB|ms|seconds?|minutes?|hours?|days?)\b/g;

export interface Faults {
  /** Texts that stand in the page itself instead of in its catalogue. */
  hardCoded: string[];
  /** Texts that are wider than the place they have. */
  cut: string[];
}

/** What the node has said, in whatever language. */
export interface NodeData {
  /** Whole texts. */
  sentences: ReadonlySet<string>;
  /** The words that ids and names are made of. */
  ids: ReadonlySet<string>;
}

/** Remembers every text that comes from the node, in answers and on the live socket. */
export function watchData(page: Page): NodeData {
  const sentences = new Set<string>();
  const ids = new Set<string>();
  const take = (value: unknown): void => {
    if (typeof value === "object" && value !== null) for (const part of Object.values(value)) take(part);
    if (typeof value !== "string") return;
    sentences.add(value.trim());
    if (!/\s/.test(value)) for (const part of value.match(/[\p{L}\p{M}]+/gu) ?? []) ids.add(part);
  };
  page.on("response", (response) => {
    if (response.url().includes("/api/v1/")) void response.json().then(take, ignore);
  });
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => take(JSON.parse(String(payload)))));
  return { sentences, ids };
}

/** An answer whose page has gone meanwhile is of no use. */
function ignore(): void {}

/** @param data   everything that the node has said so far */
export async function faultsOf(page: Page, data: NodeData): Promise<Faults> {
  const found = await page.evaluate(() => {
    const texts: string[] = [document.title];
    const cut: string[] = [];
    const foreign = "code, pre, .mono, [translate=no], .app-root [lang]";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
    while (walker.nextNode() !== null) {
      const element = walker.currentNode as HTMLElement;
      if (element.closest("script, style, svg, noscript") !== null || !element.checkVisibility()) continue;
      const own = [...element.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE && n.textContent?.trim() !== "");
      if (element.closest(foreign) === null) {
        texts.push(...own.map((n) => n.textContent?.trim() ?? ""));
        for (const name of ["aria-label", "title", "alt", "placeholder"]) texts.push(element.getAttribute(name) ?? "");
      }
      const style = getComputedStyle(element);
      const scrolls = ["auto", "scroll"].includes(style.overflowX);
      const hiddenOnPurpose = element.closest(".visually-hidden, .skip") !== null || style.clipPath !== "none";
      const tooWide = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
      const letters = Number.parseFloat(style.fontSize);
      const broken = element.offsetWidth < 2.5 * letters && element.offsetHeight > 4 * letters;
      if (own.length > 0 && broken && !hiddenOnPurpose) cut.push(`one letter a line: ${own[0]?.textContent?.trim() ?? ""}`);
      if (own.length > 0 && tooWide && !scrolls && !hiddenOnPurpose)
        cut.push(`${element.tagName.toLowerCase()} ${element.className}: ${own[0]?.textContent?.trim() ?? ""}`);
    }
    return { texts, cut };
  });
  const word = new RegExp(`[\\p{L}\\p{M}]*[${PLAIN}][\\p{L}\\p{M}]*`, "gu");
  const { ids, sentences } = data;
  const hardCoded = found.texts.filter((text) => {
    if (sentences.has(text)) return false;
    let rest = text;
    for (const sentence of sentences) if (sentence.includes(" ")) rest = rest.replaceAll(sentence, "");
    return (rest.replaceAll(FORMATS, "").match(word) ?? []).some((plain) => !ids.has(plain));
  });
  return { hardCoded: [...new Set(hardCoded)], cut: [...new Set(found.cut)] };
}
