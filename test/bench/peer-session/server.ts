/** The called half of the peer-session measurement, in a process of its own: our port and a bare echo. Told how to end by its channel. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Fastify, { type FastifyInstance } from "fastify";
import type { DispatchedCall, Frame, JsonObject } from "../../../host/src/contract/index.ts";
import { openBus } from "../../../host/src/bus/index.ts";
import { silentLog, systemClock } from "../../../host/src/foundation/index.ts";
import { openKeystore, selfTest } from "../../../host/src/identity/index.ts";
import { createLink, openListener, type CommunityDoor } from "../../../host/src/transport/index.ts";
import { offer } from "../../../host/test/bus/make.ts";
import type { BODY } from "../signed-http/letter.ts";
import { BYTES, PIECE_BYTES, type SessionPlaces } from "./letter.ts";

const PLENTY = 1e9;
const piece = Buffer.alloc(PIECE_BYTES, 7);

await selfTest();
const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
const keystore = openKeystore(folder);
const tls = await keystore.tls();
const places: SessionPlaces = {
  nodeId: keystore.nodeId,
  ours: await openOurs(),
  tls: await openEcho(),
  bytes: await openBytes(),
};

process.on("disconnect", () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
process.send?.(places);

async function openOurs(): Promise<string> {
  const home = keystore.nodeId;
  const bus = openBus({ nodeId: home, communityId: () => home, clock: systemClock, log: silentLog });
  bus.offer(offer({ name: "ext.bench.echo", max_concurrent: 512 }));
  bus.offer(offer({ name: "ext.bench.change", max_concurrent: 512, idempotent: false }));
  bus.offer({ ...offer({ name: BYTES, stream_schema: { type: "object" } }, pieces), binary: ["/data/bytes"] });
  const unused = (): never => {
    throw new Error("not part of this measurement");
  };
  const standing = (): { kind: "member"; level: "member" } => ({ kind: "member", level: "member" });
  const community: CommunityDoor = {
    communityId: () => home,
    standing,
    heads: unused,
    brief: unused,
    exchange: unused,
    reconcile: unused,
    manifest: unused,
  };
  const link = createLink({ signer: keystore.signer, communityId: () => home, standing, clock: systemClock });
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
    sessions: link.sessions,
    rates: { softPerCapability: PLENTY, hardPerCapability: PLENTY, softTotal: PLENTY, hardTotal: PLENTY, perAddress: PLENTY },
  });
  return url;
}

function openEcho(): Promise<string> {
  const app = Fastify({ https: { ...tls, minVersion: "TLSv1.3" } }) as unknown as FastifyInstance;
  app.post("/echo", (request) => Promise.resolve({ output: (request.body as typeof BODY).input, meta: {} }));
  return app.listen({ host: "127.0.0.1", port: 0 });
}

async function* pieces({ body }: DispatchedCall): AsyncGenerator<Frame, JsonObject, void> {
  const count = Number(body.input["count"]);
  // A file's pieces are each their own memory.
  for (let n = 0; n < count; n++) yield { event: "data", data: { n, bytes: Buffer.from(piece) as never } };
  return { count };
}

async function openBytes(): Promise<string> {
  const server = createServer({ key: tls.key[0], cert: tls.cert[0], minVersion: "TLSv1.3" }, (request, response) => {
    let left = Number(new URL(request.url ?? "/", "https://localhost").searchParams.get("count"));
    const go = (): void => {
      while (left-- > 0) if (!response.write(Buffer.from(piece))) return void response.once("drain", go);
      response.end();
    };
    go();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
