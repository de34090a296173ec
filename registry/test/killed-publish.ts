/** Publishes and ends itself the hard way before the n-th rename: argv = folder, package, n. Run by `keeping.test.ts`. */
import fs, { type PathLike } from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [cwd = "", file = "", stop = ""] = process.argv.slice(2);
let writes = 0;
const { renameSync } = fs;
fs.renameSync = (from: PathLike, to: PathLike): void => {
  if (++writes === Number(stop)) process.kill(process.pid, "SIGKILL");
  renameSync(from, to);
};
syncBuiltinESMExports();

const { run } = await import("./desk.ts");
process.exitCode = (await run(cwd, ["publish", file, "--key", "acme.key"])).code;
