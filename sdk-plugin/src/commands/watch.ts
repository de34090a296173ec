import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findAssets } from "./assets.ts";
import type { Command, Invocation } from "./command.ts";
import { devId, devRelease } from "./dev-release.ts";
import { saves } from "./folder-watch.ts";
import { openProject, type Project } from "./project.ts";

/**
 * One line for each save, with `--json` as an object: `{event: "release", id, version, file, saved_at, built_ms, assets}` or `{event: "broken", message, saved_at}`.
 * The first line is `{event: "watching", id, dir}`.
 * @source plugin-platform §9 `dev`
 */
export const watchCommand: Command = {
  name: ["watch"],
  args: "[DIR]",
  summary: "build a release for an author's own node at every save; `dev` sends each to a running node",
  example: "hearthnet plugin watch --out /tmp/releases",
  options: { out: { type: "string", value: "DIR", help: "where the newest release lies (a folder that is gone afterwards)" } },
  run: async (invocation) => {
    const { options, cwd } = invocation;
    const project = openProject(invocation);
    const out = typeof options["out"] === "string" ? resolve(cwd, options["out"]) : null;
    const folder = out ?? mkdtempSync(join(tmpdir(), "hearthnet-watch-"));
    mkdirSync(folder, { recursive: true });
    try {
      await follow(invocation, { project, folder, signal: untilTold() });
    } finally {
      if (out === null) rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function follow(
  invocation: Invocation,
  { project, folder, signal }: { project: Project; folder: string; signal: AbortSignal },
): Promise<void> {
  const { print } = invocation;
  const id = devId(project);
  print({ event: "watching", id, dir: project.dir }, `Watching ${project.dir}.`);
  const newest: Newest = { version: "", file: null };
  await build(Date.now());
  for await (const savedAt of saves(project.dir, signal)) await build(savedAt);

  async function build(savedAt: number): Promise<void> {
    const start = performance.now();
    try {
      const saved = openProject({ args: [project.dir], cwd: project.dir });
      const release = await devRelease(saved);
      // A save that changes nothing, or takes a broken one back.
      if (release.version === newest.version && !newest.broken) return;
      put(release, { folder, newest });
      const builtMs = Math.round(performance.now() - start);
      print(
        {
          event: "release",
          id: release.id,
          version: release.version,
          file: newest.file,
          saved_at: savedAt,
          built_ms: builtMs,
          assets: findAssets(saved),
        },
        `${release.id} ${release.version}: ${newest.file ?? ""}, built in ${builtMs} ms`,
      );
    } catch (error) {
      newest.broken = true;
      const message = error instanceof Error ? error.message : String(error);
      print({ event: "broken", message, saved_at: savedAt }, message);
    }
  }
}

interface Newest {
  version: string;
  file: string | null;
  /** The last build failed: the next one is told even if it is what was there before. */
  broken?: boolean;
}

/** In place in one step, so that a reader finds a whole file; the former one is gone then. */
function put(release: { version: string; bytes: Uint8Array }, o: { folder: string; newest: Newest }): void {
  const file = join(o.folder, `${release.version}.hnp`);
  writeFileSync(`${file}.part`, release.bytes);
  renameSync(`${file}.part`, file);
  const former = o.newest.file;
  if (former !== null && former !== file) rmSync(former, { force: true });
  Object.assign(o.newest, { version: release.version, file, broken: false });
}

/** Ctrl-C, a signal, or the end of the process that started this one. */
function untilTold(): AbortSignal {
  const controller = new AbortController();
  const leave = (): void => {
    controller.abort();
    // An open channel would keep this process alive.
    if (process.connected) process.disconnect?.();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, leave);
  process.once("disconnect", leave);
  return controller.signal;
}
