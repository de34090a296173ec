/** One file over TLS 1.3, and nothing proven beyond it: what a copy between nodes is held against. It ends when its channel does. */
import { createReadStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeystore, selfTest } from "../../../host/src/identity/index.ts";

const [, , file = ""] = process.argv;
await selfTest();
const folder = mkdtempSync(join(tmpdir(), "hn-bench-"));
const { cert, key } = await openKeystore(folder).tls();
const server = createServer({ cert: cert[0], key: key[0], minVersion: "TLSv1.3" }, (_request, reply) => {
  reply.writeHead(200, { "content-length": statSync(file).size });
  createReadStream(file, { highWaterMark: 262_144 }).pipe(reply);
});
process.on("disconnect", () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
