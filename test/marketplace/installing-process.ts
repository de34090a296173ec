/**
 * A node's marketplace in a process of its own: argv = registry folder, data folder, step at which it ends itself the hard way (`assets:2`: at the second
 * report of that step; `none`: not at all). Says how it went. Run by `broken-off.test.ts`.
 */
import { HnError } from "../../host/src/foundation/index.ts";
import { openNode, type Shop } from "./shop.ts";

const [registry = "", dataDir = "", stop = ""] = process.argv.slice(2);
const [step, times = "1"] = stop.split(":");
const node = await openNode({ after: () => {} }, { folder: registry } as Shop, { dataDir });
let seen = 0;
let error: HnError | null = null;
try {
  await node.marketplace.install({
    id: "hearthnet/echo",
    grants: "all",
    grantedBy: "operator",
    onProgress: (progress) => {
      if (progress.step === step && ++seen === Number(times)) process.kill(process.pid, "SIGKILL");
    },
  });
} catch (thrown) {
  error = HnError.from(thrown);
}
const { code, reason, message, action } = error ?? { code: "none", reason: undefined, message: "", action: "" };
process.stdout.write(JSON.stringify({ code, reason, message, action, leftovers: node.leftovers(), staged: node.staged.length }));
process.exit(0);
