import type { Clock, Community, Log, Timer } from "./contract/index.ts";

const HOUR = 3;
const DAY_MS = 86_400_000;

/** Has the community's log snapshotted every night at three, by this machine's own time. @source 04 §7 */
export function watchSnapshots(o: {
  community: Pick<Community, "communityId" | "snapshot">;
  clock: Clock;
  log: Log;
}): () => void {
  let timer: Timer;
  const arm = (): void => {
    timer = o.clock.setTimeout(() => {
      arm();
      if (o.community.communityId() === null) return;
      o.community.snapshot().catch((error: unknown) => o.log.warn("the log's snapshot could not be written", { error }));
    }, untilNight(o.clock.now()));
  };
  arm();
  return () => timer.cancel();
}

/** Milliseconds until it is three o'clock here. */
function untilNight(now: number): number {
  const night = new Date(now);
  night.setHours(HOUR, 0, 0, 0);
  const left = night.getTime() - now;
  return left > 0 ? left : left + DAY_MS;
}
