// First step of `npm start` and `npm test`, plain JavaScript for Node 20 and later: installs, checks the runtime, builds. Says nothing when
// nothing is to be done, and never writes to standard output, which belongs to the command that follows.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PINNED_NODE, ROOT, stop } from "./runtime.mjs";

/** SHA-256 of bin/node per platform for node 26.10.0: its nested download is outside the lockfile's integrity hashes. */
const RUNTIMES = {
  "linux-x64": "ab9c8eecf9f82d6693cdc3accced17034065c8d96213b0aa76a7e803d20ae1da",
  "linux-arm64": "71b004f18a82f3ea8f26109798564a12e5e4c7989a4c35b93851830b5815dd03",
  "darwin-arm64": "56d28b39a8048f0cd1af7ad7e09f6cbe1c04439b6dfeb6c8d9090c082af60861",
  "win32-x64": "cea6ac365f9bb9586dafd2084d996e092e7d3e7d07ab52d1f76bf53d1fca9bc4",
};
const STAMP = join(ROOT, "node_modules", ".hearthnet-installed");

if (Number(process.versions.node.split(".")[0]) < 20)
  stop(`HearthNet needs Node 20 or later to install itself; this is ${process.version}. See https://nodejs.org.`);
install();
checkRuntime();
if (!process.argv.includes("--install-only")) build();

function install() {
  const wanted = stampOf([
    "package.json",
    "package-lock.json",
    ...readdirSync(ROOT, { withFileTypes: true })
      .filter((e) => e.isDirectory())
      .map((e) => join(e.name, "package.json")),
  ]);
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted && existsSync(PINNED_NODE)) return;
  process.stderr.write("Installing what HearthNet needs; this takes about a minute …\n");
  const npm = process.env.npm_execpath;
  // npm's own script is run by the Node that npm runs on: its shell wrapper differs between systems.
  const done =
    npm === undefined
      ? spawnSync("npm", ["ci"], { cwd: ROOT, stdio: ["ignore", 2, 2], shell: process.platform === "win32" })
      : spawnSync(process.env.npm_node_execpath ?? process.execPath, [npm, "ci"], { cwd: ROOT, stdio: ["ignore", 2, 2] });
  if (done.error !== undefined || done.status !== 0)
    stop("The installation failed; the lines above say why. HearthNet needs the npm registry for its first start only.");
  writeFileSync(STAMP, wanted);
}

function checkRuntime() {
  const platform = `${process.platform}-${process.arch}`;
  const expected = RUNTIMES[platform];
  if (expected === undefined)
    stop(`HearthNet has no runtime for ${platform} yet; it runs on ${Object.keys(RUNTIMES).join(", ")}.`);
  if (!existsSync(PINNED_NODE))
    stop("The runtime is missing because install scripts were switched off. Run `npm rebuild node`, then try again.");
  const checked = `${STAMP}-runtime`;
  const key = `${expected} ${readStat(PINNED_NODE)}`;
  if (existsSync(checked) && readFileSync(checked, "utf8") === key) return;
  const actual = createHash("sha256").update(readFileSync(PINNED_NODE)).digest("hex");
  if (actual !== expected)
    stop(
      `The downloaded runtime is not the one this version was made for (${actual.slice(0, 12)}…). Do not use it: delete node_modules and try again, from another network if it happens twice.`,
    );
  writeFileSync(checked, key);
}

function build() {
  const done = spawnSync(PINNED_NODE, ["--no-warnings", join(ROOT, "host", "build.ts")], { cwd: ROOT, stdio: ["ignore", 2, 2] });
  if (done.status !== 0) stop("The build failed; the lines above say why.");
}

function stampOf(files) {
  const hash = createHash("sha256");
  for (const file of files.sort()) if (existsSync(join(ROOT, file))) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest("hex");
}

function readStat(path) {
  const { size, mtimeMs } = statSync(path);
  return `${size} ${mtimeMs}`;
}
