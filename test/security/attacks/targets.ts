import { chmodSync } from "node:fs";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import type { Disposer } from "../../../host/src/foundation/index.ts";

/**
 * TCP with HTTP on it, UDP, a Unix and an abstract socket: something answers everywhere, so that the control can reach it.
 * @returns the port, which also names the abstract socket
 */
export async function openTargets(unixPath: string, disposer: Disposer): Promise<number> {
  const http = createHttp((_, response) => response.end("reached"));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  disposer.add("http", () => http.close());
  const { port } = http.address() as AddressInfo;
  const udp = createSocket("udp4");
  udp.bind(port, "127.0.0.1");
  await once(udp, "listening");
  disposer.add("udp", () => udp.close());
  for (const path of [unixPath, `\0hearthnet-attack-${port}`]) {
    const server = createServer((socket) => socket.destroy());
    server.listen(path);
    await once(server, "listening");
    disposer.add("unix", () => server.close());
  }
  chmodSync(unixPath, 0o777);
  return port;
}
