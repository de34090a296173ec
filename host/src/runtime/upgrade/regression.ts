import type { Outcomes } from "../broker/index.ts";

/** With fewer calls nothing is said. */
export const SAMPLES_MIN = 20;
const FAULTS_MIN = 3;

/**
 * Whether a release fails so much more often than the one before that it goes back. Counts faults of the provider alone, which no caller can
 * provoke.
 * @source plugin-platform §6.4.5, 03 B-10
 */
export function isRegression(before: Outcomes, now: Outcomes): boolean {
  if (now.calls < SAMPLES_MIN || now.faults < FAULTS_MIN) return false;
  const rate = ({ calls, faults }: Outcomes): number => (calls === 0 ? 0 : faults / calls);
  return rate(now) > Math.max(2 * rate(before), rate(before) + 0.05);
}
