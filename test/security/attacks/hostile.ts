/** A plugin that does what its calls say, and its neighbour, in a daemon of their own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { HnError } from "../../../host/src/foundation/index.ts";
import type { DaemonProcess } from "../../support/daemon-process.ts";
import type { PluginParts } from "./daemon.ts";

const PLUGINS = join(import.meta.dirname, "..", "..", "fixtures", "plugins");

const WARM_CALLS = 3000;

export const NEIGHBOUR = "ext.neighbour.ask";

/** Without an id: each test gives it one. */
export const HOSTILE: Omit<PluginParts, "id"> = hostile({});

/** @param code  what it does when it starts and when its settings change */
export function hostile(code: { setup?: string; onConfig?: string; streams?: boolean }): Omit<PluginParts, "id"> {
  const { setup = "", onConfig = "", streams = false } = code;
  return {
    capability: "ext.hostile.run",
    entry: join(PLUGINS, "hostile", "plugin.ts"),
    define: { SETUP: setup, ON_CONFIG: onConfig, STREAMS: streams ? "yes" : "no" },
    streams,
  };
}

export async function installNeighbour(daemon: DaemonProcess): Promise<void> {
  await daemon.ask("install", {
    id: "lab/neighbour",
    capability: NEIGHBOUR,
    entry: join(PLUGINS, "attacks", "neighbour.ts"),
    permissions: ["fs.data"],
  });
  // What the daemon needs for its first thousand calls is not what an attack costs it.
  for (let n = 0; n < WARM_CALLS; n += 4)
    await Promise.all(Array.from({ length: 4 }, () => daemon.ask("call", { capability: NEIGHBOUR })));
}

/** Has it run the code, which must not come to an end. */
export async function ask(daemon: DaemonProcess, code: string, timeoutMs: number): Promise<{ error: HnError; ms: number }> {
  const started = performance.now();
  const error: unknown = await daemon.ask("call", { capability: HOSTILE.capability, input: { code }, timeoutMs }).then(
    () => assert.fail("it came to an end"),
    (thrown: unknown) => thrown,
  );
  if (!HnError.isHnError(error)) throw error;
  return { error, ms: Math.round(performance.now() - started) };
}
