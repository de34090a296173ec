import type { JsonObject } from "../../contract/index.ts";
import { toWire } from "../http/wire.ts";
import { part, type Parted } from "./attached.ts";
import { cut, StreamSum } from "./pieces.ts";
import { TYPE } from "./record.ts";
import type { Sender } from "./sender.ts";

/** The value as it goes over a session: bytes beside it where both sides can, else as base64url in it. */
export function prepare(value: JsonObject, isAgreed: boolean): Parted {
  return isAgreed ? part(value) : { json: toWire(value), bytes: [] };
}

/** Pieces of at most 64 KiB: the JSON, then bytes; no piece holds two of them, so that whoever reads them need not copy. */
export function* piecesOf(json: string, bytes: readonly Uint8Array[]): Generator<Uint8Array> {
  yield* cut(Buffer.from(json, "utf8"));
  for (const one of bytes) yield* cut(one);
}

/** A JSON body as BYTES, and what belongs into it, with END behind them. @source network.md §1.4 */
export function sayInPieces(
  sender: Sender,
  o: { id: number; json: string; bytes: readonly Uint8Array[]; sealed: boolean; end: JsonObject },
): void {
  const sum = new StreamSum();
  for (const piece of piecesOf(o.json, o.bytes)) {
    const { record } = sender.data({ type: TYPE.bytes, id: o.id, body: piece, sealed: false, first: false, last: false });
    sum.add(record, piece.byteLength);
  }
  const body = JSON.stringify({ ...o.end, ...sum.end(), terminal: null });
  sender.data({ type: TYPE.end, id: o.id, body, sealed: o.sealed, first: false, last: true });
}
