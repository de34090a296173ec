/** A neighbour in a process of its own, to be killed: says where it answers, and when a long call has begun. */
import { join } from "node:path";
import { openBus } from "../../../src/bus/index.ts";
import { openCommunity } from "../../../src/community/index.ts";
import { createUlidFactory, silentLog, systemClock } from "../../../src/foundation/index.ts";
import { openKeystore } from "../../../src/identity/index.ts";
import { openListener } from "../../../src/transport/index.ts";
import { offer } from "../../bus/make.ts";

const dataDir = process.argv[2] ?? "";
const { signer, nodeId, tls } = openKeystore(dataDir);
const bus = openBus({ nodeId, communityId: () => null, clock: systemClock, log: silentLog });
const never = (): Promise<never> => new Promise(() => undefined);
const community = openCommunity({
  dataDir: join(dataDir, "community"),
  signer,
  clock: systemClock,
  random: (n) => crypto.getRandomValues(new Uint8Array(n)),
  newUlid: createUlidFactory(systemClock, (n) => crypto.getRandomValues(new Uint8Array(n))),
  log: silentLog,
  displayName: () => "Peer",
  manifest: never,
});
const open = { trust_required: "unknown" } as const;
bus.offer(offer(open));
bus.offer(
  offer({ ...open, name: "ext.demo.long" }, () => {
    process.stdout.write("long\n");
    return never();
  }),
);
bus.offer(
  offer({ ...open, name: "ext.demo.tokens", stream_schema: { type: "object" } }, async function* () {
    yield { event: "token", data: { n: 1 } };
    return await never();
  }),
);
const { port } = await openListener({
  signer,
  tls: await tls(),
  bus,
  community,
  manifest: never,
  ready: () => true,
  clock: systemClock,
  log: silentLog,
  dataDir,
  host: "127.0.0.1",
  port: 0,
  firstStart: true,
});
process.stdout.write(`${JSON.stringify({ node_id: nodeId, port })}\n`);
