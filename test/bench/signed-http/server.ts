/** The called half of the signed-http measurement, in a process of its own: our port and two bare echoes. Told how to end by its channel. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Fastify, { type FastifyInstance } from "fastify";
import { openBus } from "../../../host/src/bus/index.ts";
import { silentLog, systemClock } from "../../../host/src/foundation/index.ts";
import { openKeystore, selfTest, type TlsIdentity } from "../../../host/src/identity/index.ts";
import { openListener, type CommunityDoor } from "../../../host/src/transport/index.ts";
import { offer } from "../../../host/test/bus/make.ts";
import type { BODY, Places } from "./letter.ts";

const PLENTY = 1e9;

await selfTest();
const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
const keystore = openKeystore(folder);
const tls = await keystore.tls();
const places: Places = { nodeId: keystore.nodeId, ours: await openOurs(), tls: await openEcho(tls), plain: await openEcho() };

process.on("disconnect", () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
process.send?.(places);

async function openOurs(): Promise<string> {
  const home = keystore.nodeId;
  const bus = openBus({ nodeId: home, communityId: () => home, clock: systemClock, log: silentLog });
  bus.offer(offer({ name: "ext.bench.echo", max_concurrent: 512 }));
  const unused = (): never => {
    throw new Error("not part of this measurement");
  };
  const community: CommunityDoor = {
    communityId: () => home,
    standing: () => ({ kind: "member", level: "member" }),
    heads: unused,
    brief: unused,
    exchange: unused,
    reconcile: unused,
    manifest: unused,
  };
  const { url } = await openListener({
    signer: keystore.signer,
    tls,
    bus,
    community,
    manifest: unused,
    ready: () => true,
    clock: systemClock,
    log: silentLog,
    dataDir: folder,
    host: "127.0.0.1",
    port: 0,
    firstStart: true,
    rates: { softPerCapability: PLENTY, hardPerCapability: PLENTY, softTotal: PLENTY, hardTotal: PLENTY, perAddress: PLENTY },
  });
  return url;
}

function openEcho(identity?: TlsIdentity): Promise<string> {
  const app = (identity === undefined
    ? Fastify()
    : Fastify({ https: { ...identity, minVersion: "TLSv1.3" } })) as unknown as FastifyInstance;
  app.post("/echo", (request) => Promise.resolve({ output: (request.body as typeof BODY).input, meta: {} }));
  return app.listen({ host: "127.0.0.1", port: 0 });
}
