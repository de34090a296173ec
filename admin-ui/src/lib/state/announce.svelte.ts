import { untrack } from "svelte";

/** How long a notice stays in sight. */
const SHOWN_MS = 12_000;

/** What the two live regions of the shell say. */
class Announcer {
  polite: string = $state("");
  urgent: string = $state("");
}

export const announcer: Announcer = new Announcer();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Said once by a screen reader, and shown for a while at the bottom. */
export function say(text: string): void {
  announcer.polite = again(text, () => announcer.polite);
  clearTimeout(timer);
  timer = setTimeout(() => (announcer.polite = ""), SHOWN_MS);
}

export function alarm(text: string): void {
  announcer.urgent = again(text, () => announcer.urgent);
}

/** The same sentence twice must be heard twice. Reading what stands there must not make an effect depend on its own words. */
function again(text: string, before: () => string): string {
  return untrack(before) === text ? `${text}\u00a0` : text;
}
