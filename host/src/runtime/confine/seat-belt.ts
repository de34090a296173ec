/** Files for plugins that run without a sandbox. @source plugin-platform §1.4 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { NodePaths, SandboxSpec } from "./argv.ts";
import type { Machine } from "./machine.ts";

export interface SeatBelt {
  /** Programs and folders as the plugin's user can read them. */
  prepare(spec: SandboxSpec): { node: string; paths: NodePaths };
  close(): void;
}

/** Ordinary users start plugins under their own name, in place; root starts them as another user, from a copy that everyone may read. */
export function openSeatBelt(machine: Machine): SeatBelt {
  return machine.asRoot ? new CopiedFiles(machine) : new OwnFiles(machine);
}

class OwnFiles implements SeatBelt {
  readonly #machine: Machine;
  constructor(machine: Machine) {
    this.#machine = machine;
  }
  prepare(spec: SandboxSpec): { node: string; paths: NodePaths } {
    const mounts = spec.mounts.map(({ source, writable }) => ({ path: realpathSync(source), writable }));
    return {
      node: this.#machine.node,
      paths: {
        packageDir: realpathSync(spec.packageDir),
        runner: this.#machine.runner,
        assetsDir: spec.assetsDir === null ? null : realpathSync(spec.assetsDir),
        dataDir: spec.dataDir === null ? null : realpathSync(spec.dataDir),
        mounts,
      },
    };
  }
  close(): void {}
}

class CopiedFiles implements SeatBelt {
  readonly #machine: Machine;
  readonly #root: string;
  readonly #copies = new Map<string, string>();

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#root = realpathSync(mkdtempSync(join(tmpdir(), "hearthnet-seat-belt-")));
    chmodSync(this.#root, 0o755);
  }

  prepare(spec: SandboxSpec): { node: string; paths: NodePaths } {
    if (spec.dataDir !== null) openWay(spec.dataDir);
    return {
      node: this.#file(this.#machine.node),
      paths: {
        packageDir: this.#folder(spec.packageDir),
        runner: this.#file(this.#machine.runner),
        assetsDir: spec.assetsDir === null ? null : this.#folder(spec.assetsDir),
        dataDir: spec.dataDir === null ? null : realpathSync(spec.dataDir),
        mounts: spec.mounts.map(({ source, writable }) => ({ path: realpathSync(source), writable })),
      },
    };
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  #file(source: string): string {
    return this.#copy(source, (target) => {
      try {
        linkSync(source, target);
      } catch {
        copyFileSync(source, target);
      }
      if ((statSync(target).mode & 0o005) === 0) chmodSync(target, 0o755);
    });
  }

  #folder(source: string): string {
    return this.#copy(source, (target) => {
      cpSync(source, target, { recursive: true, dereference: true });
      allowReading(target);
    });
  }

  #copy(source: string, make: (target: string) => void): string {
    const known = this.#copies.get(source);
    if (known !== undefined && existsSync(known)) return known;
    const folder = join(this.#root, `${this.#copies.size}`);
    mkdirSync(folder, { mode: 0o755 });
    chmodSync(folder, 0o755);
    const target = join(folder, basename(source));
    make(target);
    this.#copies.set(source, target);
    return target;
  }
}

/** Lets others read a tree that only the daemon writes. */
export function allowReading(root: string): void {
  for (const path of treeOf(root)) {
    const { mode } = statSync(path);
    const wanted = mode | 0o444 | ((mode & 0o111) === 0 ? 0 : 0o111);
    if (wanted !== mode) chmodSync(path, wanted);
  }
}

function treeOf(root: string): string[] {
  const found = [root];
  for (let index = 0; index < found.length; index += 1) {
    const path = found[index] ?? root;
    if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) found.push(join(path, name));
  }
  return found.filter((path) => !lstatSync(path).isSymbolicLink());
}

/** Search permission, not read permission, on the folders above: names below stay hidden. Stops at the first folder of another owner. */
function openWay(folder: string): void {
  for (let at = dirname(realpathSync(folder)); at !== dirname(at); at = dirname(at)) {
    const { mode, uid } = statSync(at);
    if (uid !== process.getuid?.()) return;
    if ((mode & 0o001) === 0) chmodSync(at, mode | 0o001);
  }
}
