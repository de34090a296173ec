import { randomBytes } from "node:crypto";
import { openBus } from "../../host/src/bus/index.ts";
import type { Offer, Registration } from "../../host/src/contract/index.ts";
import { silentLog, systemClock } from "../../host/src/foundation/index.ts";
import { importSeed } from "../../host/src/identity/index.ts";
import { judge, type BenchResult } from "./measure.ts";

/**
 * How long calls wait while one release of a plugin takes the places of another on the bus, beside withdrawing the former's offers and making
 * the new ones, which leaves a gap besides. Four capabilities with schemas of 20 fields. @source plugin-platform §11 "hot swap"
 */
export const name = "release-switch";

const ROUNDS = 201;

export async function run(): Promise<BenchResult> {
  const { nodeId } = importSeed(randomBytes(32));
  const bus = openBus({ nodeId, communityId: () => null, clock: systemClock, log: silentLog });
  let switched: Registration[] = offers("swap").map((offer) => bus.offer(offer));
  let renewed: Registration[] = offers("renew").map((offer) => bus.offer(offer));
  const samples: [number, number][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const prepared = bus.prepare(offers("swap"));
    const start = performance.now();
    switched = prepared.flip(switched);
    const middle = performance.now();
    for (const registration of renewed) registration.withdraw();
    renewed = offers("renew").map((offer) => bus.offer(offer));
    samples.push([(middle - start) * 1000, (performance.now() - middle) * 1000]);
    await new Promise(setImmediate);
  }
  process.stderr.write(`the first switch, in code that never ran: ${Math.round(samples[0]?.[0] ?? 0)} µs\n`);
  bus.close();
  return judge(samples, { unit: "µs without a provider", better: "less" });
}

function offers(word: string): Offer[] {
  const properties = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`field_${n}`, { type: "string", maxLength: 100 + n }]),
  );
  const schema = { type: "object", additionalProperties: false, properties };
  return [1, 2, 3, 4].map((n) => ({
    descriptor: {
      name: `ext.bench.${word}_${n}`,
      version: [1, 0],
      stability: "stable",
      request_schema: schema,
      response_schema: schema,
      stream_schema: null,
      params: { backend: "bench" },
      max_concurrent: 4,
      trust_required: "member",
      timeout_seconds: 30,
      idempotent: true,
    },
    handler: () => Promise.resolve({ output: {}, meta: {} }),
    plugin_id: "bench/one",
  }));
}
