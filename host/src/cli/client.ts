import { closeSync, existsSync, openSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { LocalError } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";

const SOCKET = "admin.sock";

/** Talks to a running node over `<data>/admin.sock`. @source architecture §5 */
export class OperatorClient {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  get<T>(path: string): Promise<T> {
    return this.#json<T>("GET", path);
  }

  send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    return this.#json<T>(
      method,
      path,
      body === undefined ? undefined : { type: "application/json", bytes: Buffer.from(JSON.stringify(body)) },
    );
  }

  upload<T>(path: string, bytes: Uint8Array): Promise<T> {
    return this.#json<T>("POST", path, { type: "application/octet-stream", bytes });
  }

  /** Lines of an NDJSON answer as they arrive; without a body it is only read. */
  async *lines(path: string, body?: unknown): AsyncGenerator<string> {
    const sent = body === undefined ? undefined : { type: "application/json", bytes: Buffer.from(JSON.stringify(body)) };
    const response = await this.#open(sent === undefined ? "GET" : "POST", path, sent);
    let rest = "";
    for await (const chunk of response.setEncoding("utf8")) {
      const parts = (rest + String(chunk)).split("\n");
      rest = parts.pop() ?? "";
      if ((response.statusCode ?? 500) >= 400) rest = [...parts, rest].join("\n");
      else yield* parts;
    }
    if ((response.statusCode ?? 500) >= 400) throw remoteError(rest);
    if (rest !== "") yield rest;
  }

  async #json<T>(method: string, path: string, body?: { type: string; bytes: Uint8Array }): Promise<T> {
    const response = await this.#open(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    if ((response.statusCode ?? 500) >= 400) throw remoteError(text);
    return JSON.parse(text) as T;
  }

  #open(method: string, path: string, body?: { type: string; bytes: Uint8Array }): Promise<import("node:http").IncomingMessage> {
    const path_ = join(this.#dataDir, SOCKET);
    if (!existsSync(path_)) throw new HnError("partition", { reason: "node_not_running" });
    // A socket path ends at 107 bytes; through the folder's descriptor any depth works.
    const folder = Buffer.byteLength(path_) < 100 || process.platform !== "linux" ? null : openSync(this.#dataDir, "r");
    const socketPath = folder === null ? path_ : `/proc/self/fd/${folder}/${SOCKET}`;
    return new Promise((resolve, reject) => {
      const call = request({
        socketPath,
        method,
        path: `/api/v1${path}`,
        headers: {
          host: "localhost",
          ...(body === undefined ? {} : { "content-type": body.type, "content-length": body.bytes.byteLength }),
        },
      });
      const release = (): void => {
        if (folder !== null) closeSync(folder);
      };
      call.once("response", (response) => {
        release();
        resolve(response);
      });
      call.once("error", (error: NodeJS.ErrnoException) => {
        release();
        const dead = error.code === "ECONNREFUSED" || error.code === "ENOENT" || error.code === "ECONNRESET";
        reject(dead ? new HnError("partition", { reason: "node_not_running", cause: error }) : error);
      });
      call.end(body?.bytes);
    });
  }
}

function remoteError(text: string): HnError {
  try {
    return HnError.fromLocal(JSON.parse(text) as LocalError);
  } catch {
    return new HnError("internal_error", { message: "The node's answer could not be read." });
  }
}
