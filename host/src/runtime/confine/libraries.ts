/** Which shared libraries a program needs, so that the sandbox holds those files and no others. @source plugin-platform §1.3.2 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Paths in `ldd`'s output, the loader included: `libm.so.6 => /lib/…/libm.so.6 (0x…)` and `/lib64/ld-linux-x86-64.so.2 (0x…)`. */
export function parseLdd(output: string): string[] {
  const paths: string[] = [];
  for (const line of output.split("\n")) {
    const path = /(?:=> )?(\/\S+) \(0x[0-9a-f]+\)\s*$/.exec(line)?.[1];
    if (path !== undefined) paths.push(path);
  }
  return paths;
}

/** Union over the programs, sorted. A statically linked program needs none. */
export async function libraryClosure(programs: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const program of programs) {
    try {
      const { stdout } = await run("ldd", [program], {
        timeout: 10_000,
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" },
      });
      for (const path of parseLdd(stdout)) found.add(path);
    } catch (error) {
      if (!/not a dynamic executable|statically linked/.test(String((error as { stderr?: unknown }).stderr))) throw error;
    }
  }
  return [...found].toSorted();
}
