import { ServiceBroker } from "moleculer";
import { openBus } from "../../host/src/bus/index.ts";
import { silentLog, systemClock } from "../../host/src/foundation/index.ts";
import type { Principal } from "../../host/src/contract/index.ts";

/** CPU per local call, ours beside moleculer's with the same duties: request schema and deadline. @source architecture §7 */
export const name = "local-call";

const NODE = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
const ROUND = 40_000;
const ROUNDS = 7;

interface Result {
  value: number;
  baseline: number;
  ratio: number;
  unit: string;
}

/** Ratio above 1: less CPU than the baseline. */
export async function run(): Promise<Result> {
  const ours = await makeOurs();
  const theirs = await makeTheirs();
  const samples: [number, number][] = [];
  for (const call of [ours.call, theirs.call]) await cpuPerCall(call);
  // Turn about, so that a busy machine slows both.
  for (let i = 0; i < ROUNDS; i++) samples.push([await cpuPerCall(ours.call), await cpuPerCall(theirs.call)]);
  await theirs.stop();
  ours.stop();
  const value = median(samples.map(([a]) => a));
  const baseline = median(samples.map(([, b]) => b));
  return { value, baseline, ratio: baseline / value, unit: "µs CPU per call" };
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

async function cpuPerCall(call: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < ROUND; i++) await call();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / ROUND;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
