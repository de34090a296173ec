import { lookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

/**
 * Resolves a name to those of its addresses that may be dialled; the connection goes to one of these.
 * @param admits  asked for every address that a name leads to
 * @source 06 H-11
 */
export function lookupWithin(admits: (address: string) => boolean): LookupFunction {
  return (name, options, done) => {
    lookup(name, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const allowed = error === null ? addresses.filter(({ address }) => admits(address)) : [];
      const [first] = allowed;
      if (error !== null) done(error, "", 0);
      else if (first === undefined)
        done(Object.assign(new Error(`${name} leads to no public address`), { code: "ENOTFOUND" }), "", 0);
      else if (options.all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}
