import { badFrame } from "./fault.ts";

/** @source network.md §1.4 */
export const KIND = { data: 1, ctrl: 2, relay: 3 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

export const SEALED = 1;
export const HEADER_BYTES = 12;
export const TAG_BYTES = 16;
export const FRAME_MAX_BYTES = 262_144;
export const FRAME_TARGET_BYTES = 65_536;
/** And the seal at the start, where there is one. */
export const FRAME_MAX_RECORDS = 64;

export interface FrameHeader {
  kind: Kind;
  sealed: boolean;
  generation: number;
  seq: number;
}

/** `u8 kind | u8 flags | u16 generation | u64 seq`, at the start of `frame`. */
export function writeHeader(frame: Buffer, { kind, sealed, generation, seq }: FrameHeader): void {
  frame[0] = kind;
  frame[1] = sealed ? SEALED : 0;
  frame.writeUInt16BE(generation, 2);
  // A double counts exactly to 2^53, and a session ends long before that many frames.
  frame.writeUInt32BE(Math.floor(seq / 2 ** 32), 4);
  frame.writeUInt32BE(seq % 2 ** 32, 8);
}

/** @throws SessionFault 4400 */
export function readHeader(frame: Buffer, maxBytes: number): FrameHeader {
  if (frame.byteLength < HEADER_BYTES + TAG_BYTES) throw badFrame("a frame too short for header and tag");
  if (frame.byteLength > maxBytes) throw badFrame("a frame longer than agreed");
  const [kind = 0, flags = 0] = frame;
  if (kind !== KIND.data && kind !== KIND.ctrl && kind !== KIND.relay) throw badFrame(`a frame of kind ${kind}`);
  if ((flags & ~SEALED) !== 0) throw badFrame("a frame with unknown flags");
  return {
    kind,
    sealed: flags === SEALED,
    generation: frame.readUInt16BE(2),
    seq: frame.readUInt32BE(4) * 2 ** 32 + frame.readUInt32BE(8),
  };
}
