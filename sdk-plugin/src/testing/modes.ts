/** Where a plugin under test runs. @source plugin-platform §4.7 */
import { execFileSync } from "node:child_process";
import process from "node:process";

/** `confined`: as on a node. `inproc`: in the test's own process, for breakpoints and coverage. */
export type Mode = "confined" | "inproc";

/** Set by `hearthnet plugin test`, which runs the same tests once in each mode. */
export const MODE_VARIABLE = "HEARTHNET_TEST_MODE";

/**
 * The modes that this run is to try, each with the reason to skip it: both, or the one that `hearthnet plugin test` asks for.
 *
 * @example
 * for (const { mode, skip } of modes())
 *   describe(`greet, ${mode}`, { skip }, () => {
 *     it("greets", async () => {
 *       const host = await createTestHost({ mode });
 *       await host.close();
 *     });
 *   });
 */
export function modes(): { mode: Mode; skip: string | false }[] {
  const asked = askedMode();
  const all: Mode[] = ["inproc", "confined"];
  return all
    .filter((mode) => asked === undefined || mode === asked)
    .map((mode) => ({ mode, skip: mode === "confined" && !hasBubblewrap() ? "needs bubblewrap" : false }));
}

/** What `hearthnet plugin test` asks for; it outweighs what a test names, so that no test is left out of a mode. */
export function askedMode(): Mode | undefined {
  const asked = process.env[MODE_VARIABLE];
  return asked === "confined" || asked === "inproc" ? asked : undefined;
}

function hasBubblewrap(): boolean {
  try {
    execFileSync("bwrap", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
