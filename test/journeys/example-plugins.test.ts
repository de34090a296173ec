/** Plugins as strangers could have written them: each is whole, and its own tests and every promise hold in both modes. @source plugin-platform §9 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { runCli, temporaryFolder } from "../support/live-node.ts";

const PLUGINS = join(import.meta.dirname, "..", "fixtures", "plugins");
const EXAMPLES = ["house-rules"];

interface Run {
  mode: string;
  skipped: string | null;
  own_tests: string;
  contract: { promise: string; kept: boolean; detail: string }[];
}

for (const name of EXAMPLES)
  it(`${name} is whole, and keeps its promises with and without a sandbox`, async (t) => {
    const home = temporaryFolder(t);
    const dir = join(PLUGINS, name);
    const validated = await runCli(["plugin", "validate", dir, "--json"], { home });
    assert.deepEqual((validated.json as { findings: unknown[] }).findings, []);
    const tested = await runCli(["plugin", "test", dir, "--json"], { home });
    const { runs } = tested.json as { runs: Run[] };
    for (const { mode, skipped, own_tests, contract } of runs) {
      if (skipped !== null) return t.skip(skipped);
      assert.equal(own_tests, "passed", tested.stderr);
      assert.deepEqual(
        contract.filter(({ kept }) => !kept),
        [],
        mode,
      );
    }
    assert.equal(tested.code, 0, tested.stderr);
  });
