import type { Clock, PanelVisit, Random } from "../../contract/index.ts";
import { PANEL_LIMITS } from "../../contract/index.ts";
import { encodeBase64url, HnError, TokenBucket } from "../../foundation/index.ts";
import type { Sessions } from "../auth/sessions.ts";
import { hashId } from "../auth/store.ts";
import { readPanelFiles, type PanelFile } from "./files.ts";

/** Of all browsers together; the oldest gives way. */
const VISITS_MAX = 128;
/** Calls that may come at once. */
const BURST = PANEL_LIMITS.callsPerSecond * 2;

export interface OpenVisit {
  plugin: string;
  panel: string;
  /** Of the release whose files are shown; another one is not shown under this visit. */
  sha256: string;
  files: ReadonlyMap<string, PanelFile>;
}

interface Kept extends OpenVisit {
  session: string;
  bucket: TokenBucket;
}

/**
 * Panels that browsers have open: each under a path that nobody guesses, which dies with the browser's sign-in.
 * @source admin-ui §17 "Frame"
 */
export class PanelVisits {
  readonly #visits = new Map<string, Kept>();
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(o: { sessions: Sessions; clock: Clock; random: Random }) {
    this.#sessions = o.sessions;
    this.#clock = o.clock;
    this.#random = o.random;
    o.sessions.onChange((change) => {
      for (const [name, visit] of this.#visits) {
        if (visit.session !== change.id) continue;
        if ("next" in change) visit.session = change.next;
        else this.#visits.delete(name);
      }
    });
  }

  /** @param o.sessionId  cookie value of who opens it */
  open(
    o: Omit<OpenVisit, "files"> & { sessionId: string; dir: string; entry: string },
  ): Omit<PanelVisit, "src"> & { path: string } {
    const { plugin, panel, sha256 } = o;
    const files = readPanelFiles(o.dir);
    if (!files.has(o.entry)) throw new HnError("not_found", { message: `The package holds no ${o.entry}.` });
    const visit = encodeBase64url(this.#random(32));
    const bucket = new TokenBucket({ perSecond: PANEL_LIMITS.callsPerSecond, capacity: BURST, now: this.#clock.monotonic() });
    const oldest = this.#visits.keys().next();
    if (this.#visits.size >= VISITS_MAX && oldest.done !== true) this.#visits.delete(oldest.value);
    this.#visits.set(visit, { plugin, panel, sha256, files, session: hashId(o.sessionId), bucket });
    return { visit, path: `/${visit}/${o.entry}` };
  }

  /** Undefined also when the browser that has opened it is not signed in any more. */
  find(visit: string): OpenVisit | undefined {
    const kept = this.#visits.get(visit);
    if (kept === undefined) return undefined;
    try {
      this.#sessions.checkHash(kept.session);
      return kept;
    } catch {
      this.#visits.delete(visit);
      return undefined;
    }
  }

  /** @throws not_found · rate_limited */
  admitCall(visit: string, o: { plugin: string; panel: string; sessionId: string }): void {
    const kept = this.find(visit) === undefined ? undefined : this.#visits.get(visit);
    if (kept?.plugin !== o.plugin || kept.panel !== o.panel || kept.session !== hashId(o.sessionId))
      throw new HnError("not_found", { message: "This panel is not open here. Open it anew." });
    const retryAfterMs = kept.bucket.take(this.#clock.monotonic());
    if (retryAfterMs > 0)
      throw new HnError("rate_limited", {
        retryAfterMs,
        message: `The panel asks more than ${PANEL_LIMITS.callsPerSecond} times a second.`,
      });
  }
}
