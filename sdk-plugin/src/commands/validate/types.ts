/** Whether the code fits its types, those of the manifest included. @source plugin-platform §9 `validate` */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Project } from "../project.ts";
import { error, warning, type Finding } from "./finding.ts";

const SHOWN_MAX = 10;
const HERE = dirname(fileURLToPath(import.meta.url));
/** What the strict configuration of HearthNet's own plugins says, as far as it is about mistakes. */
const OPTIONS = {
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  target: "es2024",
  module: "preserve",
  moduleResolution: "bundler",
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  customConditions: ["hearthnet-source"],
};

/** Two worlds: what runs on the node knows Node, what runs in the frame knows a browser. */
const NODE_WORLD = { lib: ["es2024", "esnext.disposable", "esnext.iterator"], types: ["node"] };
const FRAME_WORLD = { lib: ["es2024", "dom", "dom.iterable"], types: [] };

/** @returns nothing for a plugin that is not written in TypeScript */
export async function checkTypes({ dir, manifest }: Project): Promise<Finding[]> {
  const panel = join(dir, "src", "panel");
  const backend = manifest.kind === "service" && existsSync(join(dir, "src", "index.ts"));
  const inFrame = existsSync(panel) && readdirSync(panel).some((name) => /\.tsx?$/.test(name));
  if (!backend && !inFrame) return [];
  const compiler = findCompiler(dir);
  if (compiler === null)
    return [warning("src", "types were not checked: TypeScript is missing. `npm install --save-dev typescript` brings it")];
  const folder = mkdtempSync(join(tmpdir(), "hearthnet-types-"));
  const check = async (
    name: string,
    part: { compilerOptions: object; include: string[]; exclude?: string[] },
  ): Promise<Finding[]> => {
    const config = join(folder, name);
    const compilerOptions = { ...OPTIONS, typeRoots: typeRoots(dir), ...ownSdk(dir), ...part.compilerOptions };
    writeFileSync(config, JSON.stringify({ ...part, compilerOptions }));
    return findingsIn(await run(compiler, { config, dir }));
  };
  try {
    const all = join(dir, "src", "**", "*.ts");
    return [
      ...(backend ? await check("node.json", { compilerOptions: NODE_WORLD, include: [all], exclude: [panel] }) : []),
      ...(inFrame
        ? await check("frame.json", { compilerOptions: FRAME_WORLD, include: [join(panel, "*.ts"), join(panel, "*.tsx")] })
        : []),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The author's own, else the one that came with this SDK. */
function findCompiler(dir: string): string | null {
  for (const from of [join(dir, "package.json"), import.meta.url]) {
    try {
      const path = createRequire(from).resolve("typescript/package.json");
      const { bin } = JSON.parse(readFileSync(path, "utf8")) as { bin?: Record<string, string> };
      if (bin?.["tsc"] !== undefined) return join(dirname(path), bin["tsc"]);
    } catch {
      // Not there; the next place may have it.
    }
  }
  return null;
}

/** A plugin that lies outside any installation of the SDK is checked against the one that validates it. */
function ownSdk(dir: string): { paths?: Record<string, string[]> } {
  try {
    createRequire(join(dir, "package.json")).resolve("@hearthnet/sdk-plugin");
    return {};
  } catch {
    const root = foldersAbove(HERE).find((at) => existsSync(join(at, "src", "index.ts")) && existsSync(join(at, "template")));
    return root === undefined ? {} : { paths: pathsIn(root) };
  }
}

function pathsIn(root: string): Record<string, string[]> {
  return {
    "@hearthnet/sdk-plugin": [join(root, "src", "index.ts")],
    "@hearthnet/sdk-plugin/panel": [join(root, "src", "panel", "index.ts")],
  };
}

/** Node's types, wherever npm has put them: beside the plugin or beside this SDK. */
function typeRoots(dir: string): string[] {
  return [...foldersAbove(dir), ...foldersAbove(HERE)]
    .map((at) => join(at, "node_modules", "@types"))
    .filter((path) => existsSync(join(path, "node")));
}

function foldersAbove(dir: string): string[] {
  const parent = dirname(dir);
  return parent === dir ? [dir] : [dir, ...foldersAbove(parent)];
}

function run(compiler: string, { config, dir }: { config: string; dir: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    // Paths are told from the working folder.
    const child = spawn(process.execPath, [compiler, "--project", config, "--pretty", "false"], {
      cwd: dir,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.once("error", reject);
    child.once("close", () => resolve(said));
  });
}

/** A mistake is told by a chain of lines, each further in than the one above; the innermost says what is wrong. */
function findingsIn(said: string): Finding[] {
  const rows = [...said.matchAll(/^(\S.*?)\((\d+),(\d+)\): error (TS\d+): (.*(?:\n +.*)*)$/gm)];
  const findings = rows
    .slice(0, SHOWN_MAX)
    .map(([, file = "", line = "", column = "", code = "", chain = ""]) =>
      error(`${file}:${line}:${column}`, `${chain.split("\n").at(-1)?.trim() ?? ""} (${code})`),
    );
  const more = rows.length - findings.length;
  return more > 0 ? [...findings, error("src", `${more} more places do not fit their types`)] : findings;
}
