/** The same plugin in the same runner, started as an ordinary process and spoken to over the same kind of socket pair, with nothing in between. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { HostMessage, JsonObject, PluginMessage, StoredRelease } from "../../../host/src/contract/index.ts";
import { FrameChannel } from "../../../host/src/format/index.ts";

const RUNNER = join(import.meta.dirname, "..", "..", "..", "sdk-plugin", "dist", "runner.cjs");
const NODE_ID = `ed25519:${"A".repeat(43)}`;
const CALL_ID = "01J9Z3K8V4Q2N7M5C6B1A0XWYT";

export interface Unconfined {
  pid: number;
  call(input: JsonObject): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startUnconfined(release: StoredRelease, ref: string): Promise<Unconfined> {
  const child = spawn(process.execPath, [RUNNER], { cwd: release.dir, stdio: ["ignore", "ignore", "inherit", "pipe"] });
  const waiting = new Map<number, (message: PluginMessage) => void>();
  const ready = Promise.withResolvers<void>();
  const channel = new FrameChannel<PluginMessage, HostMessage>({
    socket: child.stdio[3] as Duplex,
    parity: "even",
    onError: ready.reject,
    onMessage(message) {
      if (message.t === "hello.ok") void channel.send(initOf(release));
      else if (message.t === "op") void channel.send({ t: "op.ok", id: message.id, value: { handle: "1" } });
      else if (message.t === "ready") ready.resolve();
      else if (message.t === "result") {
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      }
    },
  });
  void channel.send({ t: "hello", protocols: [1], host: "bench", limits: { memory_mb: 256 }, features: [] });
  await ready.promise;
  return {
    pid: child.pid ?? 0,
    call: (input) =>
      new Promise((resolve) => {
        const id = channel.nextId();
        waiting.set(id, resolve);
        void channel.send({
          t: "call",
          id,
          cap: ref,
          body: { params: {}, input },
          caller: { kind: "self", node_id: NODE_ID, community_id: null, level: "anchor" },
          trace: CALL_ID,
          requestId: CALL_ID,
          deadlineMs: 30_000,
          stream: false,
        });
      }),
    async stop() {
      const gone = once(child, "exit");
      channel.close();
      await gone;
    },
  };
}

function initOf({ id, version, dir }: StoredRelease): HostMessage {
  return {
    t: "init",
    plugin: {
      id,
      version,
      label: "none",
      entry: join(dir, "dist", "main.mjs"),
      assetsDir: null,
      dataDir: null,
      nodeId: NODE_ID,
      communityId: null,
    },
    config: {},
    grants: [],
    dataSchema: 0,
  };
}
