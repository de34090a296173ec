/** A daemon started by a careless parent; says what its plugin's process has inherited. Usage: inheritance-daemon.ts guarded|careless SECRET_FILE */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { Daemon } from "./daemon.ts";

const PLUGINS = join(import.meta.dirname, "..", "..", "fixtures", "plugins");
const [, , mode, secretFile] = process.argv;
const daemon = await Daemon.open(temporaryFolder(), { closeInheritedFiles: mode === "guarded" });
try {
  const { state, evidence } = await daemon.install({
    id: "lab/heir",
    capability: "ext.load.heir",
    entry: join(PLUGINS, "load", "plugin.ts"),
    define: { CAPABILITY: "ext.load.heir" },
  });
  const pid = evidence?.pid ?? 0;
  const target = (path: string): string => {
    try {
      return readlinkSync(path);
    } catch {
      return "";
    }
  };
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => ({ fd: Number(fd), target: target(`/proc/${pid}/fd/${fd}`) }));
  const answer = {
    state,
    leaked: files.filter((file) => file.target === secretFile).map(({ fd }) => fd),
    // What node itself opens is anonymous or a pipe to itself; a socket or a named file can only have been inherited.
    foreign: files
      .filter(({ fd, target: to }) => fd > 3 && (to.startsWith("/") || to.startsWith("socket:")) && to !== "/dev/null")
      .map(({ fd }) => fd),
    environment: readFileSync(`/proc/${pid}/environ`, "latin1")
      .split("\0")
      .filter((entry) => entry !== ""),
    cwd: target(`/proc/${pid}/cwd`),
    umask: /^Umask:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1],
  };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
} finally {
  await daemon.close();
}
