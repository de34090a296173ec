import type { Clock, Timer } from "../../contract/index.ts";

/**
 * Tries several ways to one thing: the first at once, each further one after `staggerMs` or as soon as one before it has failed. The first that
 * succeeds wins; the others are told to stop.
 * @param o.attempt  must give up when its signal aborts
 * @throws the error of the way that failed last; RangeError when there is no way
 * @source network.md §4 "Dial"
 */
export function firstOf<T, R>(
  ways: readonly T[],
  o: { clock: Clock; staggerMs: number; signal?: AbortSignal; attempt: (way: T, signal: AbortSignal) => Promise<R> },
): Promise<{ way: T; result: R }> {
  if (ways.length === 0) return Promise.reject(new RangeError("there is nothing to try"));
  const outcome = Promise.withResolvers<{ way: T; result: R }>();
  const stops = new Set<AbortController>();
  let timer: Timer | undefined;
  let next = 0;
  let running = 0;
  let isOver = false;
  const finish = (): void => {
    isOver = true;
    timer?.cancel();
    o.signal?.removeEventListener("abort", leave);
    for (const stop of stops) stop.abort();
  };
  const leave = (): void => {
    if (isOver) return;
    finish();
    outcome.reject(o.signal?.reason);
  };
  const start = (): void => {
    timer?.cancel();
    const index = next;
    if (isOver || index >= ways.length) return;
    const way = ways[index] as T;
    next += 1;
    running += 1;
    const stop = new AbortController();
    stops.add(stop);
    if (next < ways.length) timer = o.clock.setTimeout(start, o.staggerMs);
    o.attempt(way, stop.signal).then(
      (result) => {
        stops.delete(stop);
        if (isOver) return;
        finish();
        outcome.resolve({ way, result });
      },
      (error: unknown) => {
        stops.delete(stop);
        running -= 1;
        if (isOver) return;
        if (next < ways.length) start();
        else if (running === 0) {
          finish();
          outcome.reject(error);
        }
      },
    );
  };
  o.signal?.addEventListener("abort", leave, { once: true });
  if (o.signal?.aborted === true) leave();
  else start();
  return outcome.promise;
}
