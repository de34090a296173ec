/**
 * A host for tests: the plugin's own package, built as it will be shipped, under the real bus and runtime. `confined` runs it as a node does;
 * `inproc` runs it in the test's own process, for breakpoints and coverage, over the same frames and the same checks.
 *
 * @example
 * const host = await createTestHost({ mode: "inproc", capabilities: { "ext.demo.upper@1.0": async ({ input }) => ({ output: input }) } });
 * const { output } = await host.call("ext.demo.echo@1.0", { input: { text: "hi" } }, { as: "member" });
 * await host.close();
 */
export { runContract, type ContractOptions, type ContractRow } from "./contract.ts";
export { fakeClock, type FakeClock } from "./fake-clock.ts";
export type { TestNetwork, TestServer } from "./network.ts";
export { MODE_VARIABLE, modes, type Mode } from "./modes.ts";
export type {
  CallAs,
  CallInput,
  HttpAsk,
  SocketAsk,
  StreamAs,
  TestCommunity,
  TestDht,
  TestHost,
  TestHostOptions,
  TestNeighbour,
  TestSocket,
  TestStream,
  UpdateOptions,
} from "./options.ts";
export type { Stub, StubRequest } from "./stubs.ts";
export { createTestHost } from "./test-host.ts";
