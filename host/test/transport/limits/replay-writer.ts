/** Enters requests until it is killed, and says each that was taken. */
import { writeSync } from "node:fs";
import { silentLog, systemClock } from "../../../src/foundation/index.ts";
import { ReplayCache } from "../../../src/transport/limits/replay-cache.ts";

const [folder = "", from = ""] = process.argv.slice(2);
const cache = new ReplayCache({ folder, clock: systemClock, log: silentLog, bootId: "boot-1", perSecond: 1e6, firstStart: true });
for (let i = 0; i < 1e6; i++) {
  const id = `REQUEST-${i}`;
  if (cache.enter(from, id) === "new") writeSync(1, `${id}\n`);
}
