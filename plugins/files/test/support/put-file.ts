/** Sends a file as a client does: describes it, waits for what is wanted, sends that. */
import type { Frame } from "@hearthnet/sdk-plugin";
import type { TestHost } from "@hearthnet/sdk-plugin/testing";
import { openHasher } from "../../src/cid/blake3.ts";
import { CHUNK_BYTES, makeManifest, type Manifest } from "../../src/cid/manifest.ts";

export async function describeFile(bytes: Uint8Array): Promise<Manifest> {
  const hasher = await openHasher();
  const parts = Array.from({ length: Math.max(1, Math.ceil(bytes.byteLength / CHUNK_BYTES)) }, (_, i) => partOf(bytes, i));
  return makeManifest(
    hasher,
    parts.map((part) => ({ cid: hasher.cid(part), size_bytes: part.byteLength })),
  );
}

export function partOf(bytes: Uint8Array, i: number): Uint8Array {
  return bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
}

export interface Sent {
  /** What the node wanted. */
  wanted: number[];
  acks: number[];
  done: Record<string, unknown>;
}

/** @param o.atMost  chunks to send before the client ends; default all that are wanted */
export async function sendFile(
  host: TestHost,
  bytes: Uint8Array,
  o: {
    ref?: string;
    input?: object;
    as?: "trusted" | "self";
    atMost?: number;
    change?: (data: Record<string, unknown>) => void;
  } = {},
): Promise<Sent> {
  const manifest = await describeFile(bytes);
  const asked = Promise.withResolvers<number[]>();
  async function* chunks(): AsyncGenerator<Frame, void, void> {
    for (const i of (await asked.promise).slice(0, o.atMost)) {
      const data = { i, cid: manifest.chunks[i]?.cid ?? "", data_b64: partOf(bytes, i) };
      o.change?.(data);
      yield { event: "chunk", data: data as unknown as Frame["data"] };
    }
  }
  const sent: Sent = { wanted: [], acks: [], done: {} };
  const { ref = "file.put@1.0", input = { manifest }, as = "trusted" } = o;
  const frames = host.stream(ref, { input }, { as, frames: chunks(), timeoutMs: 20_000 });
  try {
    for (;;) {
      const next = await frames.next();
      if (next.done === true) return { ...sent, done: next.value };
      const { event, data } = next.value;
      if (event === "ready") asked.resolve((sent.wanted = (data["needed"] ?? data["missing"]) as number[]));
      if (event === "ack") sent.acks.push(data["upto"] as number);
    }
  } finally {
    asked.resolve([]);
  }
}

/** All of a file, or the chunks that are asked for. */
export async function readFile(
  host: TestHost,
  input: { cid: string; chunks?: number[]; from?: number },
  as: "member" | "self" = "member",
): Promise<{ manifest: Record<string, unknown>; places: number[]; bytes: Buffer }> {
  const parts: Uint8Array[] = [];
  const places: number[] = [];
  let manifest: Record<string, unknown> = {};
  for await (const { event, data } of host.stream("file.read@1.0", { input }, { as })) {
    if (event === "manifest") manifest = data;
    if (event !== "chunk") continue;
    places.push(data["i"] as number);
    parts.push(data["data_b64"] as unknown as Uint8Array);
  }
  return { manifest, places, bytes: Buffer.concat(parts) };
}
