import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { DevLine, DevSwap, NodeFacts } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { OperatorClient } from "../client.ts";
import type { Command, Invocation } from "../command.ts";

/** What the watcher of `sdk-plugin` prints, one object a line. */
type WatchLine =
  | { event: "watching"; id: string; dir: string }
  | { event: "release"; id: string; version: string; file: string; saved_at: number; built_ms: number; assets: WatchedAsset[] }
  | { event: "broken"; message: string; saved_at: number };

/** A file that assets.json names, and where it lies. */
interface WatchedAsset {
  path: string;
  sha256: string;
  cid: string;
  sizeBytes: number;
  source: string;
}

/** A plugin's folder on one side, a running node on the other. @source plugin-platform §9 `dev` */
export const devCommand: Command = {
  name: ["plugin", "dev"],
  args: "[DIR]",
  summary: "for authors: put the plugin on a running node at every save, with its log and its denials; Ctrl-C removes it",
  example: "hearthnet plugin dev ../hello --grant all",
  options: {
    grant: {
      type: "string",
      multiple: true,
      value: "PERMISSION",
      help: "grant a permission; `all` grants what the manifest asks for",
    },
    confirm: { type: "string", value: "ID", help: "needed when it asks for a permission of weight 4 or 5" },
  },
  run: dev,
};

async function dev(invocation: Invocation): Promise<number> {
  const { client, io, host, args } = invocation;
  const api = client();
  if (!(await api.get<NodeFacts>("/node")).dev_mode) throw new HnError("unauthorized", { reason: "dev_off" });
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, leave);
  // The channel tells the watcher when this process is gone, however it went. With --json its refusals are the first line.
  const watcher = spawn(process.execPath, [host.binaries.plugin, "watch", ...args.slice(0, 1), "--json"], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    cwd: io.cwd,
    env: io.env,
  });
  try {
    return await new Session(invocation, api).run(watcher, leaving);
  } finally {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, leave);
    if (watcher.exitCode === null && watcher.signalCode === null) {
      watcher.kill("SIGTERM");
      await once(watcher, "exit");
    }
  }
}

class Session {
  readonly #invocation: Invocation;
  readonly #api: OperatorClient;
  #id = "";
  #lines: Promise<void> = Promise.resolve();

  constructor(invocation: Invocation, api: OperatorClient) {
    this.#invocation = invocation;
    this.#api = api;
  }

  /** @returns exit code: 0 when the author left, 1 when node or watcher ended it */
  async run(watcher: ChildProcess, leaving: AbortController): Promise<number> {
    const { print } = this.#invocation;
    const reader = createInterface({ input: watcher.stdout as NodeJS.ReadableStream });
    leaving.signal.addEventListener("abort", () => reader.close());
    let ended: unknown;
    try {
      for await (const text of reader) {
        const line = JSON.parse(text) as WatchLine | { error: string };
        if ("error" in line) throw HnError.fromLocal(line as Parameters<typeof HnError.fromLocal>[0]);
        if (line.event === "watching") {
          await this.#open(line.id, (error) => {
            ended = error;
            reader.close();
          });
          print(line, `${line.id}: watching ${line.dir}. Ctrl-C ends it and removes the plugin.`);
        } else if (line.event === "broken") this.#broken(line);
        else await this.#push(line);
        if (leaving.signal.aborted) break;
      }
    } finally {
      await this.#close();
    }
    if (leaving.signal.aborted) {
      print({ event: "left" }, "Removed.");
      return 0;
    }
    throw HnError.isHnError(ended)
      ? ended
      : new HnError("partition", { reason: "node_not_running", message: "The node has ended the session." });
  }

  /** @param onEnd  the node, not the author, has ended the session */
  async #open(plugin: string, onEnd: (error: unknown) => void): Promise<void> {
    const { options } = this.#invocation;
    const grants = (options["grant"] as string[] | undefined) ?? [];
    const lines = this.#api.lines("/dev/sessions", {
      plugin,
      grants: grants.includes("all") ? "all" : grants,
      ...(typeof options["confirm"] === "string" ? { confirm_id: options["confirm"] } : {}),
    });
    const first = await lines.next();
    const opened = first.done === true ? null : (JSON.parse(first.value) as DevLine);
    if (opened?.t !== "open") throw new HnError("internal_error", { message: "The node's answer could not be read." });
    this.#id = opened.session;
    this.#lines = this.#read(lines).then(() => onEnd(undefined), onEnd);
  }

  async #read(lines: AsyncGenerator<string>): Promise<void> {
    const { print } = this.#invocation;
    for await (const text of lines) {
      const line = JSON.parse(text) as DevLine;
      if (line.t === "log") print({ event: "log", ...line }, `${clock(line.at)} ${line.level.padEnd(5)} ${line.message}`);
      else if (line.t === "denied") {
        const what = line.permission === "" ? line.op : line.permission;
        print({ event: "denied", ...line }, `${clock(line.at)} DENIED ${what} ${line.target}`.trimEnd());
      }
    }
  }

  async #push(line: Extract<WatchLine, { event: "release" }>): Promise<void> {
    const { print } = this.#invocation;
    try {
      for (const { path, sha256, cid, sizeBytes, source } of line.assets) {
        const file = { path, sha256, cid, size_bytes: sizeBytes, source };
        await this.#api.send("POST", `/dev/sessions/${this.#id}/assets`, file);
      }
      const { status, ms, former } = await this.#api.upload<DevSwap>(
        `/dev/sessions/${this.#id}/releases`,
        readFileSync(line.file),
      );
      const savedMs = Date.now() - line.saved_at;
      const figures = { ms: savedMs, built_ms: line.built_ms, node_ms: Math.round(ms) };
      const serves = status.state === "active" || status.state === "degraded";
      const how = former === null ? "runs" : "has taken over";
      print(
        { event: "swapped", version: line.version, former, state: status.state, reason: status.reason, ...figures },
        serves
          ? `${line.version} ${how}: ${savedMs} ms after the save (built in ${line.built_ms}, started in ${Math.round(ms)}), confinement ${status.label ?? "none"}`
          : `${line.version} does not run (${status.state}): ${status.reason?.message ?? ""}\n  ${status.reason?.action ?? ""}`,
      );
    } catch (error) {
      const known = HnError.from(error);
      if (known.reason === "node_not_running") throw known;
      print(
        { event: "refused", version: line.version, ...known.toLocal() },
        `${line.version} was not taken, what ran before runs on: ${known.message}\n  ${known.action}`,
      );
    }
  }

  #broken({ message, saved_at }: Extract<WatchLine, { event: "broken" }>): void {
    this.#invocation.print(
      { event: "broken", message, ms: Date.now() - saved_at },
      `Not built, what ran before runs on: ${message}`,
    );
  }

  async #close(): Promise<void> {
    if (this.#id === "") return;
    await this.#api.send("DELETE", `/dev/sessions/${this.#id}`).catch((error: unknown) => {
      // A node that has stopped has removed it, or will when it starts.
      if (HnError.from(error).reason !== "node_not_running" && HnError.from(error).code !== "not_found") throw error;
    });
    await this.#lines;
  }
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
