/**
 * A host for tests: the plugin's own package, built as it will be shipped, running confined under the real runtime.
 *
 * @example
 * const host = await createTestHost({ dir: "." });
 * const { output } = await host.call("ext.demo.echo@1.0", { input: { text: "hi" } }, { as: "member" });
 * await host.close();
 */
export { createTestHost, type CallAs, type TestHost, type TestHostOptions } from "./test-host.ts";
export { runContract, type ContractRow } from "./contract.ts";
