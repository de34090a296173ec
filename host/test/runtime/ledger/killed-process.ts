/** Writes to a ledger and ends itself the hard way: argv = folder, seed of the key. Run by `killed.test.ts`. */
import { ManualClock } from "../../../src/foundation/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { Ledger } from "../../../src/runtime/ledger/index.ts";
import { ENTRY } from "./support.ts";

const [folder = "", seed = ""] = process.argv.slice(2);
const { nodeId, key } = importSeed(Buffer.from(seed, "hex"));
const signer = new Signer(nodeId, key);
const clock = new ManualClock();
const ledger = new Ledger({ folder, clock, nodeId, sign: (head) => signer.signLedgerHead(head) });
for (let n = 0; n < 100; n += 1) ledger.add(ENTRY);
clock.advance(1000);
for (let n = 0; n < 100; n += 1) ledger.add(ENTRY);
for (let n = 0; n < 25; n += 1) ledger.add({ ...ENTRY, verdict: "deny" });
process.kill(process.pid, "SIGKILL");
