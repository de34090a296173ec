import { lstatSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";

export interface PanelFile {
  /** Where it lies in the package store. */
  file: string;
  type: string;
}

/** What a panel may consist of; anything else in its folder is not served. Fonts and modules would need CORS from an opaque origin. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".gif": "image/gif",
};
const FILES_MAX = 1000;

/**
 * The files of a package's panel folder, by their path in the package. A request is looked up in this list and nowhere else, so no way of
 * writing a path leads out of it; links are not in it.
 */
export function readPanelFiles(dir: string): Map<string, PanelFile> {
  const files = new Map<string, PanelFile>();
  collect(join(dir, "panel"), "panel", files);
  return files;
}

function collect(folder: string, at: string, files: Map<string, PanelFile>): void {
  if (!(lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false)) return;
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    const stat = lstatSync(file);
    const type = TYPES[extname(name)];
    if (stat.isDirectory()) collect(file, `${at}/${name}`, files);
    else if (stat.isFile() && type !== undefined && files.size < FILES_MAX) files.set(`${at}/${name}`, { file, type });
  }
}
