import { CONSTANTS } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { compareCandidates, loadOf } from "./score.ts";

/** Without a word for this long, and for four times what it usually takes, others are asked first. @source network.md §1.5 "suspect", ADR 0022 */
const MUTE_MS = 2000;
const USUAL_TIMES = 4;

/**
 * Those that are not silent just now; all when all are. Nobody knows yet that a silent neighbour is gone, but what is asked of it meanwhile would
 * wait as well.
 */
export function livelyOnes(candidates: readonly Provider[], now: number): readonly Provider[] {
  if (candidates.length === 1) return candidates;
  const lively = candidates.filter(({ breaker, health }) => {
    const silentMs = breaker?.silentMs(now) ?? 0;
    return silentMs <= MUTE_MS || silentMs <= USUAL_TIMES * health.ring.latencyAt(0.99);
  });
  return lively.length === 0 ? candidates : lively;
}

/**
 * The best of the candidates. With `preferLocal` the best local one is taken while its load is below 0.80, whatever the others would score.
 * @param candidates never empty
 * @source 03 §5
 */
export function chooseBest(candidates: readonly Provider[], preferLocal: boolean): Provider {
  const [only] = candidates;
  if (only && candidates.length === 1) return only;
  if (preferLocal) {
    const locals = candidates.filter((candidate) => candidate.is_local).sort(compareCandidates);
    if (locals[0] && loadOf(locals[0]) < CONSTANTS.LOCAL_LOAD_THRESHOLD) return locals[0];
  }
  const [best] = candidates.toSorted(compareCandidates);
  if (!best) throw new RangeError("there is no candidate to choose from");
  return best;
}
