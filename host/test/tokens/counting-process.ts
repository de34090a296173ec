/** Counts calls of one token until it is killed, and says each number when it is counted: `node counting-process.ts FILE ISSUER JTI`. */
import { writeSync } from "node:fs";
import { TokenStore } from "../../src/tokens/counters/store.ts";

const [path = "", issuer = "", jti = ""] = process.argv.slice(2);
const store = new TokenStore(path);
for (;;) {
  store.count({ issuer, jti, exp: 2_000_000_000, max: 1_000_000 }, 1_000_000_000);
  writeSync(1, `${store.used({ issuer, jti }) ?? 0}\n`);
}
