import { setTimeout as pause } from "node:timers/promises";

/** Between two questions; longer each time, so that a long wait does not keep busy whom it waits for. */
const PAUSE_MS = { first: 10, most: 150, grows: 1.2 };

/**
 * Asks again and again until the answer is something: for what real processes and sockets do in their own time, and nothing else. What has a
 * clock is moved by `ManualClock`.
 * @param what  completes "it did not happen that …"
 * @throws Error naming it, after `limitMs`
 */
export async function until<T>(
  what: string,
  ask: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  limitMs = 5000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(PAUSE_MS.most, pauseMs * PAUSE_MS.grows)) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`In ${limitMs} ms it did not happen that ${what}.`);
    await pause(pauseMs);
  }
}
