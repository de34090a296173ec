/**
 * The one program that runs inside every sandbox, plugin or worker: bundled into `dist/runner.cjs`. Its link to the host is fd 3; an
 * inherited socket needs no `--allow-net`.
 */
import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { JsonObject } from "@hearthnet/host/contract";
import { stackOf } from "./failure.ts";
import { processSide } from "./process-side.ts";
import { serve } from "./serve.ts";

const FLUSH_MS = 500;

const socket = new Socket({ fd: 3, readable: true, writable: true });

const { log, fail } = serve({
  ...processSide(socket),
  load: (entry) => import(pathToFileURL(entry).href) as Promise<unknown>,
  manifest: readManifest,
  exit(code) {
    const leave = (): never => process.exit(code);
    setTimeout(leave, FLUSH_MS);
    socket.end(leave);
  },
});

process.on("uncaughtException", fail);
// Mostly what a cancelled call leaves behind; its author reads of it, others are not disturbed.
process.on("unhandledRejection", (error) => log.error(`Unhandled rejection: ${stackOf(error)}`));

/** The package is the working directory, in the sandbox as with the seat belt. */
async function readManifest(): Promise<JsonObject | null> {
  try {
    return JSON.parse(await readFile(join(process.cwd(), "hearthnet.plugin.json"), "utf8")) as JsonObject;
  } catch {
    return null;
  }
}
