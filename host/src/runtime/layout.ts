/** Where the runtime keeps things below the node's data folder, and what a plugin sees of them. */
import { chmodSync, chownSync, copyFileSync, existsSync, linkSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { StoredRelease } from "../contract/index.ts";
import { privateFolder } from "../foundation/index.ts";
import { allowReading, NOBODY } from "./confine/index.ts";

export interface Layout {
  root: string;
  /** Files of this run: filter, canary, helper. */
  runDir: string;
  journal: string;
  /** Folder of segments. */
  ledger: string;
  logs: string;
  secretKey: string;
  /** Where views, stored files and schedules of plugins are. */
  shared: string;
}

export function openLayout(dataDir: string): Layout {
  const root = privateFolder(join(dataDir, "runtime"));
  const runDir = join(root, "run");
  rmSync(runDir, { recursive: true, force: true });
  mkdirSync(runDir, { mode: 0o755 });
  return {
    root,
    runDir,
    journal: join(root, "journal.db"),
    ledger: join(root, "ledger"),
    logs: join(root, "logs.db"),
    secretKey: join(root, "secret.key"),
    shared: join(root, "shared.db"),
  };
}

/** Folders of one plugin; the id's two parts were checked with the manifest. */
export class PluginFiles {
  readonly folder: string;

  constructor(layout: Layout, id: string) {
    if (!/^[a-z][a-z0-9-]{1,38}\/[a-z][a-z0-9-]{1,38}$/.test(id)) throw new Error("not a plugin id");
    this.folder = join(layout.root, "plugins", ...id.split("/"));
  }

  /** @param name  `data`, or `copy-…`, which former versions of the node called `data-…` */
  data(name: string): string {
    if (!/^(data|(data|copy)-[0-9a-z]{26})$/.test(name)) throw new Error("not a data folder");
    return join(this.folder, name);
  }

  get kv(): string {
    return join(privateFolder(this.folder), "kv.db");
  }

  /** Creates a folder for `/data`, empty and owned by the plugin's user. Its inside is never touched by the daemon. */
  openData(name: string, asRoot: boolean): string {
    privateFolder(this.folder);
    const path = this.data(name);
    if (!existsSync(path)) {
      mkdirSync(path, { mode: 0o700 });
      if (asRoot) chownSync(path, NOBODY, NOBODY);
    }
    return path;
  }

  /** One folder of hard links to the asset store: `<name>/<path>`. Null when the release has no assets here yet. */
  buildAssetView(release: StoredRelease): string | null {
    const view = join(privateFolder(this.folder), "assets");
    // The plugin sees this folder read-only, so nothing in it can lead elsewhere.
    rmSync(view, { recursive: true, force: true });
    const entries = Object.entries(release.assets).flatMap(([name, files]) =>
      Object.entries(files).map(([path, file]) => ({ name, path, file })),
    );
    if (entries.length === 0) return null;
    for (const { name, path, file } of entries) {
      const target = join(view, name, path);
      if (!target.startsWith(join(view, name) + sep)) throw new Error("an asset's path leads outside");
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      place(file, target);
    }
    allowReading(view);
    return view;
  }
}

function place(file: string, target: string): void {
  try {
    linkSync(file, target);
  } catch {
    copyFileSync(file, target);
  }
  if ((statSync(target).mode & 0o004) === 0) chmodSync(target, 0o444);
}
