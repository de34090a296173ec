import type { RequestEnvelope } from "../../host/src/contract/index.ts";
import { importSeed, Signer } from "../../host/src/identity/index.ts";
import { newPassage } from "../../host/src/transport/inbound/passage.ts";
import { readClientMessage } from "../../host/src/transport/websocket/client-message.ts";
import { readFirstMessage } from "../../host/src/transport/websocket/first-message.ts";
import { readFrame } from "../../host/src/transport/websocket/frame-reader.ts";
import { Inbox } from "../../host/src/transport/websocket/inbox.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { jsonText, oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const WINDOW = 16;
const { nodeId, key } = importSeed(new Uint8Array(32).fill(7));
const signer = new Signer(nodeId, key);
const FIRST = genuineFirst();
const TYPES = ["ack", "frame", "frame", "frame", "frame", "tool_result", "cancel", "call", "__proto__"];
const EVENTS = ["chunk", "piece", "done", "a.b_c", "Bad", "", "x".repeat(80)];

/**
 * What a WebSocket's client may send: a first message, then a row of others, genuine, damaged and made up. Beside coded errors, checks that
 * nothing is taken out of order, beyond the window, twice, or after the end, and that a first message that was taken has the form it promises.
 * One byte in front says which reader is meant.
 * @source 02 §8, T-15, T-17
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("socket-messages", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  const kind = chance(3);
  const text = kind === 0 ? firstMessage(chance) : kind === 1 ? conversation(chance) : frameText(chance);
  return Buffer.concat([Buffer.of(kind), text]);
}

function firstMessage(chance: Chance): Uint8Array {
  if (oneIn(chance, 3)) return FIRST;
  if (oneIn(chance, 2)) return mutate(FIRST, chance);
  const message = JSON.parse(FIRST.toString()) as { envelope: Record<string, unknown> } & Record<string, unknown>;
  const place = oneIn(chance, 2) ? message : message.envelope;
  place[pick(chance, [...Object.keys(place), "extra", "token", "to"])] = pick<unknown>(chance, [
    null,
    1,
    "",
    [],
    {},
    "x".repeat(3000),
    "1.0",
  ]);
  return Buffer.from(JSON.stringify(message));
}

function conversation(chance: Chance): Uint8Array {
  let seq = 0;
  const lines = Array.from({ length: 1 + chance(24) }, () => {
    const type = pick(chance, TYPES);
    if (type === "frame") seq += 1;
    const odd = oneIn(chance, 20);
    return JSON.stringify({
      type,
      ...(type === "ack" ? { upto: chance(20) } : {}),
      ...(type === "tool_result" ? { tool_call_id: `tc_${chance(6)}`, body: odd ? 1 : {} } : {}),
      ...(type === "frame" ? { event: odd ? pick(chance, EVENTS) : "chunk", data: {}, seq: odd ? chance(30) : seq } : {}),
    });
  });
  const text = Buffer.from(lines.join("\n"));
  return oneIn(chance, 4) ? mutate(text, chance) : text;
}

function frameText(chance: Chance): Uint8Array {
  const text = Buffer.from(
    `{"event":"${oneIn(chance, 2) ? "token" : "published"}","data":${jsonText(chance).slice(0, 2000) || "{}"},"seq":${chance(9)}}`,
  );
  return oneIn(chance, 3) ? mutate(text, chance) : text;
}

function genuineFirst(): Buffer {
  const envelope: RequestEnvelope = {
    capability: "file.put",
    version: "1.0",
    request_id: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    from: nodeId,
    community: nodeId,
    timestamp: "2026-07-01T12:00:00Z",
    body: { params: {}, input: { text: "Wasser", list: [1, 2, 3] } },
    to: nodeId,
  };
  return Buffer.from(JSON.stringify({ type: "call", envelope, signature: signer.signRequest(envelope) }));
}

async function read(input: Uint8Array): Promise<void> {
  const text = input.subarray(1);
  if (input[0] === 0) return readFirst(text);
  if (input[0] === 1) return converse(text);
  const { event, seq } = readFrame(text);
  if (event === "" || !Number.isSafeInteger(seq)) throw new Error("took a frame without name or number");
}

function readFirst(text: Uint8Array): void {
  const rule = { capability: undefined, query: "refused" } as const;
  const passage = newPassage({ rule, address: "192.0.2.1", rawHeaders: [], queryText: "", isGet: true });
  readFirstMessage(passage, text, { fields: new Map(), maxBytes: 1_048_576 });
  const { headers, envelope, body } = passage;
  if (headers === undefined || envelope === undefined || body === undefined) throw new Error("took a message without reading it");
  if (headers.from !== envelope.from || headers.request_id !== envelope.request_id || body !== envelope.body)
    throw new Error("what is verified differs from what is dispatched");
  if (Object.keys(envelope).length > 8) throw new Error("took an envelope with more than it may have");
}

/** The model beside the inbox: numbers rise by one, sixteen wait at most, and nothing follows the last. */
async function converse(text: Uint8Array): Promise<void> {
  const inbox = new Inbox(() => undefined);
  const asked = new Set(["tc_1", "tc_2"]);
  for (const id of asked) inbox.expect(id);
  let last = 0;
  let ended = false;
  for (const line of Buffer.from(text).toString("latin1").split("\n")) {
    const message = readClientMessage(Buffer.from(line, "latin1"));
    if (message.type === "frame") {
      const isSound = message.seq === last + 1 && message.seq <= WINDOW && !ended;
      take(() => inbox.frame(message), isSound);
      last += 1;
      ended = message.event === "done";
    } else if (message.type === "tool_result")
      take(() => inbox.toolResult(message.toolCallId, message.body), asked.delete(message.toolCallId));
  }
  inbox.end();
  let seen = 0;
  for await (const { event } of inbox) seen += event === "tool_result" ? 0 : 1;
  if (seen !== last - (ended ? 1 : 0)) throw new Error(`the handler got ${seen} of ${last} frames`);
}

function take(act: () => void, isSound: boolean): void {
  try {
    act();
  } catch (error) {
    if (isSound) throw new Error("refused what is in order", { cause: error });
    throw error;
  }
  if (!isSound) throw new Error("took what is out of order");
}
