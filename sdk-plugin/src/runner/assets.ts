/** The plugin's asset files, as they lie in its asset folder. @source plugin-platform §2.4 */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, matchesGlob, normalize, sep } from "node:path";
import type { Assets } from "../context.ts";
import { HnError } from "../error.ts";

export interface AssetFolder extends Assets {
  /** The host has added files. */
  changed(): void;
}

/** @param dir  null when the plugin has no assets */
export type OpenAssets = (dir: string | null, onFault: (error: unknown) => void) => AssetFolder;

export const openAssets: OpenAssets = (dir, onFault) => {
  const listeners = new Set<() => void>();
  return {
    async list(glob) {
      if (dir === null) return [];
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(dir.length).split(sep).filter(Boolean).join("/"));
      return files.filter((file) => glob === undefined || matchesGlob(file, glob)).toSorted();
    },
    path(name) {
      const inside = normalize(name);
      const outside = inside === "." || inside === ".." || inside.startsWith(`..${sep}`) || inside.startsWith(sep);
      if (outside) throw new HnError("bad_request", { message: `${name} is not the name of an asset.` });
      const path = dir === null ? null : join(dir, inside);
      if (path === null || !existsSync(path)) {
        throw new HnError("not_found", {
          message: `The asset ${name} is not installed. See ctx.assets.list(), and wait for it with ctx.assets.on().`,
        });
      }
      return path;
    },
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    changed() {
      for (const listener of listeners) {
        try {
          listener();
        } catch (error) {
          onFault(error);
        }
      }
    },
  };
};
