/** Rights without a use make people distrust; uses without a right fail when it is too late. @source plugin-platform §9 `validate` */
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { type Loader, transform } from "esbuild";
import type { PermissionName, PluginManifest } from "@hearthnet/host/contract";
import { error, warning, type Finding } from "./finding.ts";

/** How code shows that it uses a right. */
interface Use {
  /** A call that is refused without the right; what an author could mean otherwise does not look like it. */
  call: RegExp;
  /** As authors read it. */
  name: string;
  /** Where no such word stands, the right is not used, however the code is written. */
  word: RegExp;
}

const USES: Partial<Record<PermissionName, Use>> = {
  "bus.call": { call: /\b(?:ctx|req)\.(?:call|stream)\(/, name: "ctx.call or req.call", word: /\b(?:call|stream)\b/ },
  "storage.kv": { call: /\.kv\.(?:get|put|delete|list|increment)\(/, name: "ctx.kv", word: /\bkv\b/ },
  "storage.sqlite": { call: /\bctx\.sql\(|["']node:sqlite["']/, name: "ctx.sql", word: /\bsql\b|node:sqlite/ },
  "proc.worker": { call: /\.workers\.(?:run|open)\(/, name: "ctx.workers", word: /\bworkers\b/ },
  "events.append": { call: /\.events\.append\(/, name: "ctx.events.append", word: /\bappend\b/ },
  "events.push": { call: /\.events\.push\(/, name: "ctx.events.push", word: /\bpush\b/ },
  "availability.set": { call: /\.availability\.set\(/, name: "ctx.availability.set", word: /\bavailability\b/ },
  "pubsub.publish": { call: /\.pubsub\.publish\(/, name: "ctx.pubsub.publish", word: /\bpublish\b/ },
  "blobs.write": { call: /\.blobs\.put\(/, name: "ctx.blobs.put", word: /\bblobs\b/ },
  notify: { call: /\bctx\.notify\(/, name: "ctx.notify", word: /\bnotify\b/ },
};
const LOADERS: Readonly<Record<string, Loader>> = { ".ts": "ts", ".tsx": "tsx", ".jsx": "jsx", ".mts": "ts", ".cts": "ts" };

/** @param sources  files of the author's own, relative to `dir` */
export async function checkRights(manifest: PluginManifest, o: { dir: string; sources: readonly string[] }): Promise<Finding[]> {
  const asked = new Set([...manifest.permissions, ...(manifest.optionalPermissions ?? [])].map(({ name }) => name));
  const files = await Promise.all(o.sources.map(async (path) => ({ path, code: await codeOf(join(o.dir, path)) })));
  const used = Object.entries(USES).flatMap(([name, { call, name: shown, word }]): Finding[] => {
    const permission = name as PermissionName;
    const at = files.find(({ code }) => call.test(code));
    if (at !== undefined && !asked.has(permission))
      return [error(at.path, `uses ${shown}, but the manifest does not ask for ${permission}: every such call is refused`)];
    const dead = asked.has(permission) && files.length > 0 && !files.some(({ code }) => word.test(code));
    return dead && permission !== "proc.worker" ? [deadRight(permission)] : [];
  });
  return [...declared(manifest, asked), ...used];
}

/** What the manifest declares needs its right, and the right needs what it is for. */
function declared({ contributes }: PluginManifest, asked: ReadonlySet<string>): Finding[] {
  const { capabilities, workers, schedules, panels, http, topics, views } = contributes;
  const some = (list: readonly unknown[] | undefined): boolean => (list ?? []).length > 0;
  const needs: [there: boolean, permission: PermissionName, what: string][] = [
    [some(capabilities), "bus.provide", "capabilities are declared"],
    [some(workers), "proc.worker", "workers are declared"],
    [some(schedules), "schedule", "schedules are declared"],
    [some(panels), "ui.panel", "panels are declared"],
    [some(http), "http.mount", "HTTP routes are declared"],
    [some(topics?.subscribe), "pubsub.subscribe", "topics are subscribed to"],
  ];
  const findings = needs.flatMap(([there, permission, what]): Finding[] => {
    if (there && !asked.has(permission)) return [error("/permissions", `${permission} is missing: ${what}`)];
    return !there && asked.has(permission) ? [deadRight(permission)] : [];
  });
  if (some(views) && !asked.has("events.read"))
    findings.push(error("/permissions", "events.read is missing: views are declared"));
  return findings;
}

function deadRight(permission: PermissionName): Finding {
  return warning("/permissions", `dead permission: ${permission} is asked for and not used`);
}

/** Without comments, types and white space, so that only code counts. */
async function codeOf(path: string): Promise<string> {
  const loader = LOADERS[extname(path)] ?? "js";
  if (extname(path) === ".json") return "";
  return (await transform(readFileSync(path, "utf8"), { loader, minifyWhitespace: true, legalComments: "none" })).code;
}
