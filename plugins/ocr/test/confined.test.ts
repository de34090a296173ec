/** The worker's engine as one bundle, under the launch arguments of plugin-platform §1.3. @source docs/adr/0003-ocr-worker.md */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { makeOcrPages } from "../../../test/fixtures/ocr-pages.ts";
import { shippedData } from "./support/engine.ts";

const run = promisify(execFile);
const ENTRY = `
  import { readFileSync } from "node:fs";
  import { createEngine, languageFolder } from "./engine.ts";
  const base = process.argv[2];
  const order = { languages: ["deu"], pre: {}, maxPixels: 5e7, defaultDpi: 300, minConfidence: 0.5 };
  const page = await createEngine(languageFolder(base)).read(readFileSync(base + "/page.png"), order);
  const tried = async (work) => { try { await work(); return "worked"; } catch (error) { return error.code ?? error.cause?.code; } };
  process.stdout.write(JSON.stringify({
    text: page.text,
    uid: process.getuid(),
    child: await tried(async () => (await import("node:child_process")).execSync("true")),
    thread: await tried(async () => new (await import("node:worker_threads")).Worker("1", { eval: true })),
    secret: await tried(() => readFileSync("/etc/passwd")),
    socket: process.permission.has("net"),
  }));`;
const FLAGS = ["--no-experimental-sqlite", "--no-addons", "--disable-proto=delete", "--max-old-space-size=128"];

interface Outcome {
  text: string;
  uid: number;
  child: string;
  thread: string;
  secret: string;
  socket: boolean;
}

let folder: string;
/** The files that went into the bundle. */
let parts: string[];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "hn-ocr-confined-"));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "runner"));
  mkdirSync(join(folder, "assets"));
  const [page] = await makeOcrPages([{ language: "deu", kind: "clean", repeat: 1 }]);
  assert.ok(page);
  writeFileSync(join(folder, "assets/page.png"), page.image);
  writeFileSync(join(folder, "assets/deu.traineddata.gz"), shippedData("deu"));
  cpSync(process.execPath, join(folder, "node"));
  const { metafile } = await build({
    stdin: { contents: ENTRY, resolveDir: join(import.meta.dirname, "../src/worker"), loader: "ts" },
    outfile: join(folder, "runner/runner.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    metafile: true,
    logLevel: "error",
  });
  parts = Object.keys(metafile.inputs);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Nothing but the outcome was said: what engine and library have to say may quote the page (22 rule 11). */
function check({ stdout, stderr }: { stdout: string; stderr: string }): Outcome {
  assert.equal(stderr, "");
  const outcome = JSON.parse(stdout) as Outcome;
  assert.ok(outcome.text.startsWith("Fällt der Strom länger als vier Stunden aus"));
  assert.deepEqual([outcome.child, outcome.thread, outcome.socket], ["ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED", false]);
  return outcome;
}

test("takes of tesseract.js what reads, and nothing that fetches, keeps a cache or starts a thread", () => {
  const packages = new Set(parts.map((path) => /node_modules\/([^/]+)/.exec(path)?.[1] ?? "own"));
  assert.deepEqual([...packages].toSorted(), [
    "bmp-js",
    "is-url",
    "own",
    "regenerator-runtime",
    "tesseract.js",
    "tesseract.js-core",
  ]);
  assert.deepEqual(
    parts.filter((path) => /createWorker|worker-script\/(node|browser)/.test(path)),
    [],
  );
});

test("reads a page on the main thread of a process without threads, children, network and files of others", async () => {
  const [runner, assets] = [join(folder, "runner"), join(folder, "assets")];
  const reads = [`--allow-fs-read=${runner}/*`, `--allow-fs-read=${assets}/*`];
  const said = await run(process.execPath, ["--permission", ...reads, ...FLAGS, join(runner, "runner.mjs"), assets], {
    env: {},
    timeout: 60_000,
  });
  assert.equal(check(said).secret, "ERR_ACCESS_DENIED");
});

test("reads a page inside bubblewrap under the full arguments", async (t) => {
  const found = (program: string): string | null => {
    try {
      return execFileSync("which", [program], { encoding: "utf8" }).trim();
    } catch {
      return null;
    }
  };
  const [bwrap, prlimit, setpriv] = [found("bwrap"), found("prlimit"), found("setpriv")];
  if (bwrap === null || prlimit === null || setpriv === null) return t.skip("needs bubblewrap");
  const root = process.getuid?.() === 0;
  const spaces = root
    ? "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP"
    : "--unshare-all --unshare-user --disable-userns --cap-drop ALL --uid 65534 --gid 65534";
  const libraries = existsSync("/usr/lib64") ? "--ro-bind /usr/lib64 /usr/lib64 --symlink usr/lib64 /lib64" : "";
  const argv = [
    `${spaces} --die-with-parent --new-session --clearenv --hostname plugin --perms 0755 --dir /usr`,
    `--ro-bind /usr/lib /usr/lib --symlink usr/lib /lib ${libraries}`,
    `--ro-bind ${prlimit} /prlimit --ro-bind ${setpriv} /setpriv --ro-bind ${join(folder, "node")} /node`,
    `--ro-bind ${join(folder, "runner")} /runner --ro-bind ${join(folder, "assets")} /assets`,
    "--perms 1777 --size 16777216 --tmpfs /tmp --proc /proc --dev /dev --remount-ro /dev --remount-ro / --chdir /runner --",
    root ? "/setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all --" : "",
    "/prlimit --core=0 --nofile=256 --fsize=16777216 -- /node --permission --allow-fs-read=/runner/* --allow-fs-read=/assets/*",
    `${FLAGS.join(" ")} /runner/runner.mjs /assets`,
  ];
  const args = argv.join(" ").split(/\s+/);
  const said = await run(bwrap, args, { env: {}, timeout: 60_000 });
  assert.equal(check(said).uid, 65534);
});
