/** The control: plain node under a scratch user, with nothing in its way but the machine's own rights. */
import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  globSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { findProgram, libraryClosure } from "../../../host/src/runtime/confine/index.ts";

const PAYLOADS = join(import.meta.dirname, "..", "..", "fixtures", "plugins", "attacks");
/** Nobody's on any machine; what the control may break is its own. */
const SCRATCH_UID = 64_123;

export class Control {
  readonly folder: string;
  readonly #asRoot: boolean = process.getuid?.() === 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Lays out node, attacks and targets where a scratch user can reach them. */
  static async open(folder: string, secret: string): Promise<Control> {
    const control = new Control(folder);
    for (const name of ["mount", "own", "bin", "lib"]) mkdirSync(join(folder, name), { recursive: true });
    const node = realpathSync(process.execPath);
    try {
      linkSync(node, join(folder, "node"));
    } catch {
      copyFileSync(node, join(folder, "node"));
    }
    for (const name of payloadNames()) copyFileSync(join(PAYLOADS, name), join(folder, name));
    writeFileSync(join(folder, "secret"), secret);
    const db = new DatabaseSync(join(folder, "secret.db"));
    db.exec("CREATE TABLE secret(a); INSERT INTO secret VALUES('x')");
    db.close();
    await copyTools(folder);
    copyFileSync(someAddon(), join(folder, "addon.node"));
    if (control.#asRoot)
      for (const path of [folder, ...["mount", "own", "secret", "secret.db"].map((name) => join(folder, name))])
        chownSync(path, SCRATCH_UID, SCRATCH_UID);
    return control;
  }

  /** As a careless launcher does: with the whole environment, a secret among the arguments and a file left open. */
  spawn(args: string[], secret: string): ChildProcess {
    const file = openSync(join(this.folder, "secret"), "r");
    try {
      return spawn(join(this.folder, "node"), [...args, secret], {
        stdio: ["ignore", "ignore", "pipe", "pipe", file],
        cwd: this.folder,
        ...(this.#asRoot ? { uid: SCRATCH_UID, gid: SCRATCH_UID } : {}),
      });
    } finally {
      closeSync(file);
    }
  }

  /** Files of a hostile package: the attacks, and everything that they bring along. */
  packageFiles(): string[] {
    const inside = (name: string): string[] => readdirSync(join(this.folder, name)).map((file) => `${name}/${file}`);
    return [...payloadNames(), ...inside("bin"), ...inside("lib"), "addon.node"];
  }
}

/** Attacks and what they share; `plugin.ts` and `neighbour.ts` are bundled instead. */
function payloadNames(): string[] {
  return readdirSync(PAYLOADS).filter((name) => name.endsWith(".cjs"));
}

/** Programs that make namespaces and mounts, with their libraries, as a hostile package would bring them. */
async function copyTools(folder: string): Promise<void> {
  for (const name of ["unshare", "mount", "bwrap", "true", "sleep"]) {
    const program = findProgram(name, process.env["PATH"] ?? "");
    if (program === null) throw new Error(`${name} is needed for the control of A07`);
    copyFileSync(program, join(folder, "bin", name));
    chmodSync(join(folder, "bin", name), 0o755);
    for (const library of await libraryClosure([program]))
      copyFileSync(library, join(folder, "lib", library.slice(library.lastIndexOf("/") + 1)));
  }
}

/** A native addon that this checkout has for its own tools; it needs nothing beside node and libc. */
function someAddon(): string {
  const modules = join(import.meta.dirname, "..", "..", "..", "node_modules", "@oxc-resolver");
  const [found] = globSync("binding-*/*.node", { cwd: modules });
  if (found === undefined) throw new Error("no addon to load in the control of A11");
  return join(modules, found);
}
