import { existsSync, readdirSync, watch, type FSWatcher } from "node:fs";
import { join } from "node:path";

/** Neither packages from npm nor tests nor what somebody built changes a release. */
const LEFT_OUT = new Set(["node_modules", "dist", "test", "coverage"]);
/** An editor writes a file in several steps. */
const SETTLE_MS = 30;

/**
 * Saves in a plugin's folder: one value for each burst of writes, the moment it began (Unix milliseconds). Bursts that nobody waited for are one.
 * @param signal  ends it
 */
export async function* saves(dir: string, signal: AbortSignal): AsyncGenerator<number, void, void> {
  const watchers = new Map<string, FSWatcher>();
  let began: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let settled = false;
  let wake = (): void => {};
  const touched = (_event: string, name: string | null): void => {
    if (name === null || isAside(name)) return;
    began ??= Date.now();
    clearTimeout(timer);
    timer = setTimeout(() => {
      settled = true;
      wake();
    }, SETTLE_MS);
  };
  const look = (): void => {
    for (const folder of foldersOf(dir)) {
      if (watchers.has(folder)) continue;
      const path = join(dir, folder);
      const watcher = watch(path, { recursive: folder !== "" }, (event, name) => {
        touched(event, name);
        // A folder may be new, or come back after a checkout.
        if (folder === "") look();
      });
      watcher.on("error", () => watchers.delete(folder));
      watchers.set(folder, watcher);
    }
    for (const [folder, watcher] of watchers)
      if (!existsSync(join(dir, folder))) {
        watcher.close();
        watchers.delete(folder);
      }
  };
  const stop = (): void => wake();
  signal.addEventListener("abort", stop);
  try {
    look();
    while (!signal.aborted) {
      if (!settled) await new Promise<void>((resolve) => (wake = resolve));
      if (signal.aborted) return;
      const at = began ?? Date.now();
      began = null;
      settled = false;
      yield at;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
    for (const watcher of watchers.values()) watcher.close();
  }
}

/** The folder itself, for the manifest and what lies beside it, and everything that is read below. */
function foldersOf(dir: string): string[] {
  const below = readdirSync(dir, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith(".") && !LEFT_OUT.has(entry.name),
  );
  return ["", ...below.map(({ name }) => name)];
}

/** Editors keep copies and locks beside a file. */
function isAside(name: string): boolean {
  const last = name.split("/").at(-1) ?? "";
  return last.startsWith(".") || last.endsWith("~") || last.startsWith("#") || LEFT_OUT.has(name.split("/")[0] ?? "");
}
