/**
 * Room `bus`, floor 3: finds the right provider for a call, checks the call, and records how it went. Moves no bytes between nodes, stores
 * nothing, knows no plugin's internals.
 *
 * @example
 * const bus = openBus({ nodeId, communityId: () => null, clock: systemClock, log: silentLog });
 * bus.offer({ descriptor, handler: async ({ body }) => ({ output: { said: body.input["text"] ?? "" }, meta: {} }) });
 * const { output, provider } = await bus.call({ capability: "ext.demo.echo", version: [1, 0], body: { params: {}, input: { text: "hi" } }, caller });
 */
export { isProviderFault } from "./health/fault.ts";
export { openBus, type BusOptions, type OpenBus } from "./open-bus.ts";
export { openTopics } from "./topics/topics.ts";
