/**
 * A node's marketplace that attaches a bundle, in a process of its own: argv = shop's folder, data folder, bundle, where it ends itself the hard
 * way: so many per cent of the bytes, or `kept` for the moment when the catalogue is kept and the copy is not in place yet. Run by `bundles.test.ts`.
 */
import { join } from "node:path";
import { openNode, type Shop } from "./shop.ts";

const [shop = "", dataDir = "", bundle = "", stop = ""] = process.argv.slice(2);
const registries = [
  {
    id: "hearthnet",
    root: join(shop, "root.json"),
    source: join(dataDir, "none"),
    namespaces: ["hearthnet/*", "*"],
    embedded: true,
  },
];
const node = await openNode({ after: () => {} }, { folder: shop } as Shop, { dataDir, registries });
const end = (): void => void process.kill(process.pid, "SIGKILL");
if (stop === "kept") {
  const { now } = node.clock;
  let asking = false;
  node.clock.now = () => {
    // The age of a catalogue is reckoned with this clock, too.
    if (!asking) {
      asking = true;
      if (node.marketplace.registries()[0]?.ageSeconds !== null) end();
      asking = false;
    }
    return now.call(node.clock);
  };
}
await node.marketplace.bundles.attach(bundle, {
  onProgress: ({ doneBytes, totalBytes }) => {
    if ((doneBytes / totalBytes) * 100 >= Number(stop)) end();
  },
});
