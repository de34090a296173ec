import { ManualClock } from "@hearthnet/host/plugin-host";

/** A clock that moves only when told. */
export type FakeClock = ManualClock;

/**
 * For the host's side of a test: pings, deadlines, restarts, schedules and `stallFd3` follow it. The plugin's own timers stay real.
 *
 * @example
 * const clock = fakeClock();
 * const host = await createTestHost({ clock });
 * host.stallFd3(60_000);
 * clock.advance(6_000); // six seconds without an answer: the host ends the plugin as hung
 */
export function fakeClock(startUnixMs?: number): FakeClock {
  return new ManualClock(startUnixMs);
}
