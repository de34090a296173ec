import { after } from "node:test";
import type { Endpoint, OutboundCall } from "../../../src/contract/index.ts";
import { Endings, Street, type House, type HouseOptions } from "./street.ts";

/** For tests that ask more often than a neighbour would; calls per second. */
export const PATIENT: { anna: HouseOptions } = { anna: { listener: { rates: { softPerCapability: 1000, perAddress: 1000 } } } };

/** Two houses for every test of a `describe`, closed after its last. Awaited before the first `it`. */
export async function shareStreet(
  settle: (street: Street) => Promise<[House, House]>,
): Promise<{ street: Street; anna: House; ben: House }> {
  const endings = new Endings();
  after(() => endings.run());
  const street = new Street(endings);
  const [anna, ben] = await settle(street);
  return { street, anna, ben };
}

/** A call below the bus, to wherever the test wants. */
export function call(to: { nodeId: string }, endpoints: Endpoint[], o: Partial<OutboundCall> = {}): OutboundCall {
  return {
    to: to.nodeId,
    endpoints,
    capability: "ext.demo.echo",
    version: "1.0",
    body: { params: {}, input: { n: 1 } },
    traceId: "TRACE-0001",
    timeoutMs: 10_000,
    stream: false,
    signal: new AbortController().signal,
    ...o,
  };
}
