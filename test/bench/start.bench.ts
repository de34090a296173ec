import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon, type PluginParts } from "../security/attacks/daemon.ts";
import { judge, type BenchResult } from "./measure.ts";

/**
 * From the wish to the plugin that serves: a confined process, and an isolate in a host that runs already, each beside a bare Node process that
 * writes one byte. The larger isolate has 72 KB of code and its first call counts. @source plugin-platform §11
 */
export const name = "start";

const ROUNDS = 15;
const ECHO = join(import.meta.dirname, "..", "fixtures", "plugins", "echo", "plugin.ts");
const SIZED = join(import.meta.dirname, "..", "fixtures", "plugins", "sized", "plugin.ts");
const CODE_BYTES = 72 * 1024;

export async function run(): Promise<Record<string, BenchResult>> {
  const daemon = await Daemon.open(temporaryFolder());
  const isolate = { manifest: { tier: { min: "isolate" as const } } };
  const plugins: Record<string, PluginParts> = {
    process: { id: "lab/process", capability: "ext.echo.ping", entry: ECHO },
    isolate: {
      id: "lab/isolate",
      capability: "ext.sized.ping",
      entry: SIZED,
      define: { CODE: "1", CALLED: "ext.sized.ping" },
      ...isolate,
    },
    "isolate-72kb": {
      id: "lab/isolate-large",
      capability: "ext.large.ping",
      entry: SIZED,
      define: { CODE: code(), CALLED: "ext.large.ping" },
      ...isolate,
    },
  };
  // Keeps the host of the isolates running.
  await daemon.install({
    id: "lab/keeper",
    capability: "ext.kept.ping",
    entry: SIZED,
    define: { CODE: "1", CALLED: "ext.kept.ping" },
    ...isolate,
  });
  const results: Record<string, BenchResult> = {};
  for (const [word, parts] of Object.entries(plugins)) {
    await daemon.install(parts);
    const samples: [number, number][] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      await daemon.runtime.disable(parts.id);
      const ours = await timed(async () => {
        await daemon.runtime.enable(parts.id);
        if (word === "isolate-72kb") await daemon.call(parts.capability);
      });
      const theirs = await timed(bareNode);
      if (round > 0) samples.push([ours, theirs]);
    }
    results[`${name}-${word}`] = judge(samples, { unit: "ms until it serves", better: "less" });
  }
  await daemon.close();
  return results;
}

async function bareNode(): Promise<void> {
  const child = spawn(process.execPath, ["-e", 'process.stdout.write("r")'], { stdio: ["ignore", "pipe", "ignore"], env: {} });
  const gone = once(child, "exit");
  await once(child.stdout, "data");
  await gone;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await act();
  return performance.now() - from;
}

/** Functions that are never called, as most of a library is. */
function code(): string {
  let text = "1";
  for (let n = 0; text.length < CODE_BYTES; n += 1)
    text += `; globalThis.f${n} = function (a, b) { const list = [a, b, ${n}]; return list.map((item) => item * ${n}).reduce((sum, item) => sum + item, 0); }`;
  return text;
}
