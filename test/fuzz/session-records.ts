import { KIND } from "../../host/src/transport/session/frame.ts";
import {
  encodeRecord,
  isControl,
  isLeaf,
  jsonOf,
  readRecords,
  TYPE,
  type PeerRecord,
} from "../../host/src/transport/session/record.ts";
import { readCallFacts } from "../../host/src/transport/session/served-call.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const BODIES = [
  '{"cap":"rag.query","ver":"1.0","rid":"01J9Z3K8V4Q2N7M5C6B1A0XWYT","dl":30000,"body":{"params":{},"input":{"query":"Wasser"}}}',
  '{"cap":"a.b","ver":"0.1","rid":"12345678","st":true,"tok":"x","tr":"abcdefgh","body":{}}',
  '{"output":{},"meta":{"ms":3},"re":"AA"}',
  '{"error":"not_found"}',
  '{"event":"token","data":{"text":"ü"}}',
  '{"frames":1,"bytes":2,"digest":"x","terminal":null}',
  "",
  "{}",
];
const CALLS = [TYPE.call, TYPE.result, TYPE.error, TYPE.event, TYPE.bytes, TYPE.end];
const CONTROL = [TYPE.ping, TYPE.pong, TYPE.credit, TYPE.goaway, TYPE.close, TYPE.rekey];

/**
 * Payloads of frames whose tag was right: what a member with a broken or hostile program can send. Read to the last field; every end is a coded
 * one, and nothing is read twice or left over.
 * @source network.md §7 scenario 15
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("session-records", { ...o, slowMs: SLOW_MS, make, target: read });
}

/** A byte that says which kind of frame, then its payload. */
function make(chance: Chance): Uint8Array {
  const isControlFrame = oneIn(chance, 4);
  const types = isControlFrame ? CONTROL : CALLS;
  const made = Array.from({ length: 1 + chance(5) }, () =>
    encodeRecord({
      type: pick(chance, types),
      id: isControlFrame ? 0 : 1 + chance(9),
      flags: chance(2),
      body: pick(chance, BODIES),
    }),
  );
  const payload = Buffer.concat(made);
  return Buffer.concat([Buffer.of(isControlFrame ? 1 : 0), oneIn(chance, 2) ? mutate(payload, chance) : payload]);
}

function read(input: Uint8Array): void {
  const isControlFrame = input[0] === 1;
  const payload = Buffer.from(input.subarray(1));
  const records = readRecords(payload, { kind: isControlFrame ? KIND.ctrl : KIND.data, sealed: false });
  let at = 0;
  for (const record of records) {
    if (!record.raw.equals(payload.subarray(at, at + record.raw.byteLength))) throw new Error("read a record that is not there");
    at += record.raw.byteLength;
    if (isControl(record.type) !== isControlFrame) throw new Error("took control for data");
    look(record);
  }
  if (at !== payload.byteLength) throw new Error("left something over");
}

function look({ type, body }: PeerRecord): void {
  if (!isLeaf(type) && type !== TYPE.event) return;
  const value = jsonOf(body);
  if (type === TYPE.call) readCallFacts(value);
}
