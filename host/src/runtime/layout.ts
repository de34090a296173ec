/** Where the runtime keeps things below the node's data folder, and what a plugin sees of them. */
import { chownSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { privateFolder } from "../foundation/index.ts";
import { NOBODY } from "./confine/index.ts";

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

  /** Former versions of the node kept the view of a plugin's assets here, one for all its releases. */
  dropOldAssetView(): void {
    rmSync(join(this.folder, "assets"), { recursive: true, force: true });
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
}
