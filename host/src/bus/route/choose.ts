import { CONSTANTS } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { compareCandidates, loadOf } from "./score.ts";

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
