/** What the two live regions of the shell say. */
class Announcer {
  polite: string = $state("");
  urgent: string = $state("");
}

export const announcer: Announcer = new Announcer();

/** Said once by a screen reader, and shown for a while at the bottom. */
export function say(text: string): void {
  // The same sentence twice must be heard twice.
  announcer.polite = announcer.polite === text ? `${text}\u00a0` : text;
}

export function alarm(text: string): void {
  announcer.urgent = announcer.urgent === text ? `${text}\u00a0` : text;
}
