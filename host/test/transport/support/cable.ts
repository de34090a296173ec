import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Endpoint } from "../../../src/contract/index.ts";
import type { Scope } from "./street.ts";

/** A cable between two nodes that can be cut, or swallow everything without a word as a dead router does. */
export class Cable {
  readonly endpoint: Endpoint;
  /** Connections made over it so far. */
  connections = 0;
  #swallows = false;
  readonly #sockets: Set<Socket>;

  constructor(endpoint: Endpoint, sockets: Set<Socket>) {
    this.endpoint = endpoint;
    this.#sockets = sockets;
  }

  static async between(scope: Scope, target: () => Endpoint): Promise<Cable> {
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const { host, port } = target();
      const far = connect(port, host);
      cable.connections += 1;
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        from.on("data", (chunk) => {
          if (!cable.#swallows) to.write(chunk);
        });
        from.on("error", () => undefined);
        from.on("close", () => {
          sockets.delete(from);
          if (!cable.#swallows) to.destroy();
        });
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const cable = new Cable({ transport: "https", host: "127.0.0.1", port }, sockets);
    scope.after(() => {
      cable.cut();
      server.close();
    });
    return cable;
  }

  /** From now on nothing arrives, and nobody is told. */
  swallow(): void {
    this.#swallows = true;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
