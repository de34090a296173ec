/** Servers of the test's own, at addresses that the rest of the world knows: only resolver and cable are the test's, what decides is the host's. */
import { once } from "node:events";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { connect, createServer, Socket, type AddressInfo, type Server } from "node:net";
import { Disposer } from "../../../src/foundation/index.ts";
import type { NetWays } from "../../../src/runtime/net/index.ts";
import { createAuthority, type Authority } from "./authority.ts";

export class Street {
  /** `address:port` of every connection that was begun. */
  readonly dialled: string[] = [];
  /** Names that were asked for. */
  readonly asked: string[] = [];
  /** What each name leads to; a list of lists changes with every question. */
  readonly names: Record<string, readonly string[] | readonly string[][]> = {};
  readonly ways: NetWays;
  readonly #doors = new Map<string, number>();
  readonly #disposer = new Disposer();
  readonly #authority: Authority;

  private constructor(authority: Authority) {
    this.#authority = authority;
    this.ways = {
      resolve: (name) => Promise.resolve(this.#resolve(name)),
      dial: (address, port) => this.#dial(address, port),
      own: () => new Set(["45.45.45.45"]),
      ca: authority.ca,
    };
  }

  static async open(): Promise<Street> {
    return new Street(await createAuthority());
  }

  /** @param at  `address:port` */
  async http(at: string, listener: RequestListener): Promise<Server> {
    return this.#stand(at, createHttp(listener));
  }

  /** @param name  what its certificate says */
  async https(at: string, name: string, listener: RequestListener): Promise<Server> {
    return this.#stand(at, createHttps(await this.#authority.issue(name), listener));
  }

  async tcp(at: string, onSocket: (socket: Socket) => void): Promise<Server> {
    return this.#stand(at, createServer({ allowHalfOpen: true }, onSocket));
  }

  async close(): Promise<void> {
    await this.#disposer.close();
  }

  async #stand(at: string, server: Server): Promise<Server> {
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#doors.set(at, (server.address() as AddressInfo).port);
    this.#disposer.add(at, async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close").catch(() => {});
    });
    return server;
  }

  #resolve(name: string): string[] {
    this.asked.push(name);
    const entry = this.names[name];
    if (entry === undefined) throw new Error(`ENOTFOUND ${name}`);
    const turn = this.asked.filter((one) => one === name).length - 1;
    const [first] = entry;
    return typeof first === "string" ? [...(entry as string[])] : [...((entry[turn] ?? entry.at(-1) ?? []) as string[])];
  }

  #dial(address: string, port: number): Socket {
    this.dialled.push(`${address}:${port}`);
    const door = this.#doors.get(`${address}:${port}`);
    if (door !== undefined) return connect({ host: "127.0.0.1", port: door, allowHalfOpen: true });
    const nobody = new Socket();
    setImmediate(() => nobody.destroy(Object.assign(new Error("nobody lives there"), { code: "ECONNREFUSED" })));
    return nobody;
  }
}
