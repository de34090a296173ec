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
  // The same sentence twice must be heard twice.
  announcer.polite = announcer.polite === text ? `${text}\u00a0` : text;
  clearTimeout(timer);
  timer = setTimeout(() => (announcer.polite = ""), SHOWN_MS);
}

export function alarm(text: string): void {
  announcer.urgent = announcer.urgent === text ? `${text}\u00a0` : text;
}
