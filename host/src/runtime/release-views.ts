/** What a running release has of its assets: `/assets`, and its programs, each release in a folder of its own. @source plugin-platform §2.4, §4.4 */
import { chmodSync, copyFileSync, linkSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { StoredRelease, WorkerProgram } from "../contract/index.ts";
import { HnError, PLATFORM } from "../foundation/index.ts";
import { programFor } from "../format/index.ts";
import { allowReading, ProgramFile } from "./confine/index.ts";

export interface ReleaseView {
  /** One folder `<name>/<path>`; null when the release has no assets here. */
  assetsDir: string | null;
  /**
   * The executable copy of an asset's program, made when it is first asked for.
   * @returns undefined for a program of the package
   * @throws not_implemented program_changed | program_absent | program_platform
   */
  program(exec: WorkerProgram): Promise<PlacedProgram | undefined>;
  /** The release's life is over. */
  close(): void;
}

export interface PlacedProgram {
  file: ProgramFile;
  /** Below `/assets`. */
  path: string;
}

interface Shared {
  folder: string;
  assetsDir: string | null;
  programs: Map<string, Promise<ProgramFile>>;
  lives: number;
}

export class ReleaseViews {
  readonly #root: string;
  readonly #open = new Map<string, Shared>();

  /** @param runDir  emptied when the node starts: what a killed one has left goes with it */
  constructor(runDir: string) {
    this.#root = join(runDir, "releases");
  }

  /** Lives of one release share a view; the last one to end takes it along. */
  open(release: StoredRelease): ReleaseView {
    const { id, sha256, manifest } = release;
    const key = `${id.replace("/", "-")}-${sha256}`;
    const shared = this.#open.get(key) ?? build(release, join(this.#root, key));
    this.#open.set(key, shared);
    shared.lives += 1;
    let closed = false;
    return {
      assetsDir: shared.assetsDir,
      program: async (exec) => {
        if (exec.asset === undefined) return undefined;
        const found = programFor(manifest, exec, PLATFORM);
        const source = found === undefined ? undefined : release.assets[found.asset.name]?.[found.file.path];
        if (found === undefined || source === undefined)
          throw new HnError("not_implemented", {
            reason: "program_absent",
            message: `The file of the program ${[exec.asset].flat().join(", ")}/${exec.path} does not lie on this node.`,
          });
        const path = `${found.asset.name}/${found.file.path}`;
        return { path, file: await programOf(shared, { name: path, file: found.file, source }) };
      },
      close: () => {
        if (closed) return;
        closed = true;
        shared.lives -= 1;
        if (shared.lives > 0) return;
        this.#open.delete(key);
        rmSync(shared.folder, { recursive: true, force: true });
      },
    };
  }
}

/** One that was found changed, or could not be made, is made anew; whoever asks meanwhile waits for the same. */
function programOf(
  { folder, programs }: Shared,
  { name, file, source }: { name: string; file: { sha256: string; sizeBytes: number }; source: string },
): Promise<ProgramFile> {
  const make = (): Promise<ProgramFile> => {
    const own = join(folder, "programs");
    mkdirSync(own, { recursive: true, mode: 0o700 });
    const target = join(own, file.sha256);
    rmSync(target, { recursive: true, force: true });
    return ProgramFile.make({ name, file, source, target, platform: PLATFORM });
  };
  const before = programs.get(file.sha256);
  const made = before === undefined ? make() : before.then((known) => (known.changed ? make() : known), make);
  programs.set(file.sha256, made);
  return made;
}

function build(release: StoredRelease, folder: string): Shared {
  // A life that could not be built has left half of it.
  rmSync(folder, { recursive: true, force: true });
  return { folder, assetsDir: buildAssets(release, join(folder, "assets")), programs: new Map(), lives: 0 };
}

/** Hard links to the asset store. The plugin sees the folder read-only, so nothing in it can lead elsewhere. */
function buildAssets({ assets }: StoredRelease, view: string): string | null {
  const entries = Object.entries(assets).flatMap(([name, files]) =>
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

/** Nothing is followed: a link in the store's place would show, and open to readers, a file from elsewhere. */
function place(file: string, target: string): void {
  if (!lstatSync(file).isFile()) throw new Error("an asset is no file");
  try {
    linkSync(file, target);
  } catch {
    copyFileSync(file, target);
  }
  const { mode } = lstatSync(target);
  if ((mode & 0o004) === 0) chmodSync(target, 0o444);
}
