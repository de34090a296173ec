import { existsSync } from "node:fs";
import type { Diagnosis } from "./contract/index.ts";
import { HnError } from "./foundation/index.ts";
import { checkMachine } from "./health.ts";
import { openKeystore } from "./identity/index.ts";
import { PATHS, readBuildFacts } from "./paths.ts";
import { inspectConfinement } from "./runtime/index.ts";

/** Checks that need no running node; nothing in the data folder is changed. @source architecture §5 */
export async function doctor(dataDir: string): Promise<Diagnosis[]> {
  const report = await inspectConfinement({ runnerPath: PATHS.runner });
  return [
    {
      id: "node",
      state: "warn",
      title: "Node",
      detail: "No node is running with this data folder.",
      fix: "Start it with `hearthnet up`.",
    },
    ...checkMachine({ dataDir, build: readBuildFacts(), now: Date.now(), report }),
    key(dataDir),
  ];
}

function key(dataDir: string): Diagnosis {
  const title = "Key of this node";
  if (!existsSync(dataDir)) return { id: "key", state: "ok", title, detail: "It is made at the first start.", fix: "" };
  try {
    openKeystore(dataDir, { create: false }).signer.destroy();
    return { id: "key", state: "ok", title, detail: "It can be read, by this user alone.", fix: "" };
  } catch (error) {
    const { message, action, reason } = HnError.from(error);
    return {
      id: "key",
      state: reason === "keys_missing" ? "ok" : "bad",
      title,
      detail: message,
      fix: reason === "keys_missing" ? "" : action,
    };
  }
}
