import { CONSTANTS } from "../../contract/index.ts";
import { HealthRing } from "./ring.ts";

export type HealthState = "open" | "quarantined" | "probe";

/**
 * Keeps one entry's record and decides when it rests: below half success after at least 5 samples it rests 60 s, then exactly one probe call
 * decides. Times are monotonic milliseconds.
 * @source 03 §7, B-10
 */
export class Health {
  readonly ring: HealthRing = new HealthRing();
  quarantinedUntil = 0;
  #probing = false;

  state(now: number): HealthState {
    if (this.quarantinedUntil === 0) return "open";
    return now < this.quarantinedUntil || this.#probing ? "quarantined" : "probe";
  }

  /** Called when a call starts. @returns whether this call is the probe */
  begin(now: number): boolean {
    if (this.quarantinedUntil === 0 || this.state(now) !== "probe") return false;
    this.#probing = true;
    return true;
  }

  /** @returns true when this outcome starts a quarantine */
  record(o: { ok: boolean; latencyMs: number; now: number; probe: boolean }): boolean {
    if (o.probe) {
      this.#probing = false;
      if (o.ok) {
        this.ring.clear();
        this.quarantinedUntil = 0;
      }
    }
    this.ring.add(o.ok, o.latencyMs);
    if (o.ok || this.quarantinedUntil > o.now) return false;
    const bad =
      o.probe ||
      (this.ring.samples >= CONSTANTS.HEALTH_MIN_SAMPLES && this.ring.successRate < CONSTANTS.HEALTH_QUARANTINE_THRESHOLD);
    if (bad) this.quarantinedUntil = o.now + CONSTANTS.HEALTH_QUARANTINE_SECONDS * 1000;
    return bad;
  }

  /** The call ended without a verdict about the provider. */
  neutral(probe: boolean): void {
    if (probe) this.#probing = false;
  }
}
