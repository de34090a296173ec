import { parseStrictJson } from "../../host/src/foundation/index.ts";
import { compare, type BenchResult } from "./measure.ts";

/**
 * The strict parser beside `JSON.parse`, which checks neither doubled keys nor numbers nor half characters, on a call's body and on a page of
 * events as they are exchanged.
 */
export const name = "strict-json";

const BODY = JSON.stringify({
  params: { corpus: "public-emergency", languages: ["deu", "eng"] },
  input: { query: "Wasser für die Nachbarn", k: 5, filters: { tags: ["a", "b"], since: "2026-07-01T12:00:00Z", score: 0.25 } },
});
const EVENTS = JSON.stringify({
  events: Array.from({ length: 50 }, (_, i) => ({
    schema_version: 1,
    event_id: `01J9Z3K8V4Q2N7M5C6B1A0X${String(i).padStart(3, "0")}`,
    lamport: i + 1,
    wall_clock: "2026-07-01T12:00:00Z",
    community_id: `ed25519:${"A".repeat(43)}`,
    author: `ed25519:${"B".repeat(43)}`,
    event_type: "market.post.created",
    data: { title: "Ladder to lend", text: "Three metres, aluminium. Ring the bell on the left.", tags: ["tool", "lend"] },
    signature: `ed25519:${"C".repeat(86)}`,
  })),
});

export async function run(): Promise<Record<string, BenchResult>> {
  const beside = async (text: string, round: number): Promise<BenchResult> => {
    const bytes = Buffer.from(text);
    const result = await compare({
      ours: () => Promise.resolve(parseStrictJson(bytes)),
      theirs: () => Promise.resolve(JSON.parse(bytes.toString("utf8"))),
      round,
    });
    return { ...result, unit: `µs CPU for ${bytes.byteLength} bytes` };
  };
  return { [`${name}-call`]: await beside(BODY, 20_000), [`${name}-events`]: await beside(EVENTS, 500) };
}
