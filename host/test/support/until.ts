import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MS = 10;

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
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`In ${limitMs} ms it did not happen that ${what}.`);
    await pause(PAUSE_MS);
  }
}
