import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { JsonObject } from "../../../host/src/contract/index.ts";

const CONTROL = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "hostile", "with-network.cjs");

/** Runs a payload in plain Node, with the network and the secret in its own hands. @returns what it printed */
export async function runControl(code: string, o: { settings?: JsonObject; secret?: string }): Promise<string> {
  const child = spawn(process.execPath, [CONTROL, code, JSON.stringify(o.settings ?? {}), o.secret ?? ""], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {},
  });
  return text(child.stdout);
}
