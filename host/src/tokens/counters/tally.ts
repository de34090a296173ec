import type { NodeId, TokenCalls } from "../../contract/index.ts";
import { shortId } from "../../identity/index.ts";

/** Series of one scrape stay few, whoever issues. @source 03 B-13 */
const ISSUERS_MAX = 256;

/** How many calls came with a token, by who issued it and whether it covered them; since the node started. @source 05 §8 */
export class Tally {
  readonly #calls: Map<string, { covered: number; beyond: number }> = new Map();

  /** @param issuer  proven, so that nobody makes up a name here */
  add(issuer: NodeId, scopeMatch: boolean): void {
    const short = shortId(issuer);
    const key = this.#calls.has(short) || this.#calls.size < ISSUERS_MAX ? short : "other";
    const row = this.#calls.get(key) ?? { covered: 0, beyond: 0 };
    this.#calls.set(key, row);
    if (scopeMatch) row.covered += 1;
    else row.beyond += 1;
  }

  rows(): TokenCalls[] {
    return [...this.#calls].flatMap(([issuer, { covered, beyond }]) => [
      { issuer, scopeMatch: true, calls: covered },
      { issuer, scopeMatch: false, calls: beyond },
    ]);
  }
}
