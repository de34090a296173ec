/** Which folder a release finds as `/data`: the one of the release before, a copy of it, or the one it had itself. @source plugin-platform §6.4 */
import { existsSync, rmdirSync, rmSync } from "node:fs";
import type { PluginManifest, StoredRelease } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { DataRow, Journal } from "../journal/index.ts";
import type { PluginFiles } from "../layout.ts";
import type { TreeCopy, Trees, TreeSize } from "./trees.ts";

/** How a release comes to its data. */
export interface DataPlan {
  /** Name of the folder that it is to open. */
  folder: string;
  /** Version of the layout that it finds; 0 when there is nothing yet. */
  from: number;
  to: number;
  /** The folder to copy first, because another release may come back to it or its layout is about to change. */
  copyOf: string | null;
}

export interface FoldersOptions {
  journal: Journal;
  trees: Trees;
  files: (pluginId: string) => PluginFiles;
  asRoot: boolean;
}

const FIRST = "data";
/** Not `data-…`: Node's permission model forgets a folder whose whole name is the beginning of another's, and where there is no sandbox it decides. */
const COPY = "copy";

/** A manifest that says nothing of its data has its first layout. */
export function schemaOf(manifest: PluginManifest): number {
  return manifest.data?.schemaVersion ?? 1;
}

export class DataFolders {
  readonly #o: FoldersOptions;

  constructor(options: FoldersOptions) {
    this.#o = options;
  }

  /**
   * Decides without touching anything.
   * @throws bad_request reason data_too_new
   */
  plan(release: StoredRelease): DataPlan {
    const { id, sha256, manifest } = release;
    const to = schemaOf(manifest);
    const found = this.#source(release, to);
    if (found.row === undefined || found.row.schema === 0 || !existsSync(this.#o.files(id).data(found.folder)))
      return { folder: found.folder, from: 0, to, copyOf: null };
    const { owner, schema, shared } = found.row;
    // A downgradable layout is read as it is.
    const from = Math.min(schema, to);
    const vouched = shared && manifest.data?.shared === true && schema === to;
    const copies = owner !== sha256 && !vouched && (schema < to || this.#o.journal.data.stands(id, owner));
    return copies
      ? { folder: `${COPY}-${this.#o.journal.newName()}`, from, to, copyOf: found.folder }
      : { folder: found.folder, from, to, copyOf: null };
  }

  /**
   * Since when what was written is lost if this release comes back, because it can only read the data that it left. Null when nothing is.
   * @returns Unix milliseconds
   */
  lossSince(release: StoredRelease): number | null {
    const { data } = this.#o.journal;
    const current = data.current(release.id);
    if (current === undefined || this.#reads(release, current)) return null;
    return data.get(release.id, current)?.at ?? null;
  }

  /** Makes the plan's folder, empty or as it is, and gives its path. */
  make(id: string, { folder, copyOf }: DataPlan): string {
    const { journal, files, asRoot } = this.#o;
    if (copyOf !== null) journal.data.put(id, { folder, owner: "", schema: 0, shared: false, downgradable: false });
    return files(id).openData(folder, asRoot);
  }

  /** Copies what is to be copied; what a release has written there before it was given data is discarded. @throws internal_error reason data_copy_failed */
  async fill(id: string, { folder, copyOf }: DataPlan, { maxBytes }: { maxBytes: number }): Promise<TreeCopy | null> {
    if (copyOf === null) return null;
    const { files, trees } = this.#o;
    try {
      const target = files(id).data(folder);
      await trees.erase(target);
      return await trees.copy(files(id).data(copyOf), target, { maxBytes });
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : "";
      throw new HnError("internal_error", {
        reason: "data_copy_failed",
        message: `The plugin's data could not be copied for the new version. ${detail}`.trim(),
        cause,
      });
    }
  }

  /** How much a folder holds. @throws Error when it cannot be looked at */
  measure(id: string, folder: string): Promise<TreeSize> {
    return this.#o.trees.measure(this.#o.files(id).data(folder));
  }

  /** The release has opened it: from now on the layout is its own. */
  opened({ id, sha256, manifest }: StoredRelease, { folder, to }: DataPlan): void {
    const { data } = this.#o.journal;
    const before = data.get(id, folder);
    const newer = before !== undefined && before.schema > to;
    data.put(id, {
      folder,
      owner: sha256,
      schema: newer ? before.schema : to,
      shared: manifest.data?.shared === true,
      downgradable: newer || manifest.data?.downgradable === true,
    });
    if (data.stands(id, sha256)) data.assign(id, sha256, folder);
  }

  /** Deletes folders that nothing refers to any more: snapshots whose release is not kept, copies that came to nothing. */
  async sweep(id: string): Promise<void> {
    for (const folder of this.#o.journal.data.unused(id)) await this.#erase(id, folder);
  }

  /** Deletes all of a plugin's data, and the host's own files beside it. @throws Error when something is left */
  async eraseAll(id: string): Promise<void> {
    for (const folder of new Set([FIRST, ...this.#o.journal.data.all(id)])) await this.#erase(id, folder);
    rmSync(this.#o.files(id).folder, { recursive: true, force: true });
  }

  async #erase(id: string, folder: string): Promise<void> {
    const path = this.#o.files(id).data(folder);
    if (existsSync(path)) {
      await this.#o.trees.erase(path);
      rmdirSync(path);
    }
    this.#o.journal.data.forget(id, folder);
  }

  /** What a release would start from: the present data if it can read them, otherwise those it had. */
  #source(release: StoredRelease, to: number): { folder: string; row: DataRow | undefined } {
    const { data } = this.#o.journal;
    const { id, sha256 } = release;
    const current = data.current(id);
    const own = data.of(id, sha256);
    const folder = current === undefined || this.#reads(release, current) ? (current ?? FIRST) : own;
    if (folder !== undefined && this.#reads(release, folder)) return { folder, row: data.get(id, folder) };
    throw new HnError("bad_request", {
      reason: "data_too_new",
      message: `The data of ${id} were written by a newer version (layout ${data.get(id, current ?? FIRST)?.schema ?? 0}; this one reads ${to}).`,
    });
  }

  /** Whether a release can work with what lies there: nothing, its own layout, one before it, or one whose author says so. */
  #reads({ id, manifest }: StoredRelease, folder: string): boolean {
    const row = this.#o.journal.data.get(id, folder);
    return row === undefined || row.schema <= schemaOf(manifest) || row.downgradable;
  }
}
