import { ServiceBroker } from "moleculer";
import { openBus } from "../../host/src/bus/index.ts";
import { silentLog, systemClock } from "../../host/src/foundation/index.ts";
import type { Principal } from "../../host/src/contract/index.ts";
import { compare, type BenchResult } from "./measure.ts";

/** CPU per local call, ours beside moleculer's with the same duties: request schema and deadline. @source architecture §7 */
export const name = "local-call";

const NODE = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
const ROUND = 40_000;

/** Ratio above 1: less CPU than the baseline. */
export async function run(): Promise<BenchResult> {
  const ours = await makeOurs();
  const theirs = await makeTheirs();
  const result = await compare({ ours: ours.call, theirs: theirs.call, round: ROUND });
  await theirs.stop();
  ours.stop();
  return result;
}

async function makeOurs(): Promise<{ call: () => Promise<unknown>; stop: () => void }> {
  const bus = openBus({ nodeId: NODE, communityId: () => null, clock: systemClock, log: silentLog });
  bus.offer({
    descriptor: {
      name: "ext.bench.echo",
      version: [1, 0],
      stability: "stable",
      request_schema: {
        type: "object",
        properties: {
          input: { type: "object", required: ["text", "n"], properties: { text: { type: "string" }, n: { type: "number" } } },
        },
      },
      response_schema: { type: "object" },
      stream_schema: null,
      params: {},
      max_concurrent: 64,
      trust_required: "member",
      timeout_seconds: 30,
      idempotent: true,
    },
    handler: (call) => Promise.resolve({ output: { text: call.body.input["text"] ?? null }, meta: {} }),
  });
  const caller: Principal = { kind: "self", node_id: NODE, community_id: null, level: "unknown" };
  const body = { params: {}, input: { text: "hello", n: 5 } };
  return {
    call: () => bus.call({ capability: "ext.bench.echo", version: [1, 0], body, caller, timeoutMs: 30_000 }),
    stop: () => bus.close(),
  };
}

async function makeTheirs(): Promise<{ call: () => Promise<unknown>; stop: () => Promise<void> }> {
  const broker = new ServiceBroker({ logger: false, requestTimeout: 30_000 });
  broker.createService({
    name: "bench",
    actions: {
      echo: {
        params: { text: "string", n: "number" },
        handler: (context: { params: { text: string } }) => Promise.resolve({ text: context.params.text }),
      },
    },
  });
  await broker.start();
  const input = { text: "hello", n: 5 };
  return { call: () => broker.call("bench.echo", input), stop: () => broker.stop() };
}
