/** A member's end of a peer session played by hand: says what the story wants it to say, in its own time. */
import type { JsonObject } from "../../host/src/contract/index.ts";
import { createUlidFactory } from "../../host/src/foundation/index.ts";
import { FrameOpener, FrameSealer, SUITES } from "../../host/src/transport/session/cipher.ts";
import { FRAME_MAX_BYTES, KIND } from "../../host/src/transport/session/frame.ts";
import { Initiator, type Established } from "../../host/src/transport/session/handshake.ts";
import { leafOf } from "../../host/src/transport/session/merkle.ts";
import { encodeRecord, isLeaf, readRecords, TYPE, type PeerRecord } from "../../host/src/transport/session/record.ts";
import { SealReader, SealWriter, type SealedLeaves } from "../../host/src/transport/session/seal.ts";
import { answer } from "./dial.ts";
import { ECHO } from "./echo.ts";
import type { SimNode } from "./node.ts";
import { SimSocket } from "./socket.ts";
import type { World } from "./world.ts";

const BINDING_BYTES = 32;

interface RogueOptions {
  as: SimNode;
  to: SimNode;
  /** What becomes of its part of the handshake. */
  alter?: ((data: Buffer) => Buffer) | undefined;
}

export class Rogue {
  readonly established: Established;
  readonly heard: PeerRecord[] = [];
  /** What the other end has signed. */
  readonly sealed: SealedLeaves[] = [];
  /** Of the session, once it is over. */
  closed: number | undefined;
  seals: SealWriter;
  readonly #world: World;
  readonly #as: SimNode;
  readonly #socket: SimSocket;
  readonly #frames: FrameSealer;
  #nextId = 1;

  private constructor(o: { world: World; as: SimNode; socket: SimSocket; established: Established }) {
    const { suite, send, receive, sid, self, peer, community, th6 } = o.established;
    this.#world = o.world;
    this.#as = o.as;
    this.#socket = o.socket;
    this.established = o.established;
    this.#frames = new FrameSealer({ suite, key: send, now: 0 });
    this.seals = this.forgedSeals();
    const opener = new FrameOpener(suite, receive, FRAME_MAX_BYTES);
    const reader = new SealReader({ session: sid, from: peer, to: self, community, th6 });
    o.socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (!isBinary) return;
      const { header, payload } = opener.open(data);
      const records = readRecords(payload, header);
      this.heard.push(...records);
      // A seal covers the records of its own frame as well.
      for (const { type, raw } of records) if (isLeaf(type)) reader.add(leafOf(raw));
      for (const { type, body } of records)
        if (type === TYPE.seal) this.sealed.push(reader.read(JSON.parse(body.toString()) as JsonObject));
    });
    o.socket.on("close", (code: number) => (this.closed = code));
  }

  /** Shakes hands as that member would. @throws when it is refused */
  static async shake(world: World, { as, to, alter = (data) => data }: RogueOptions): Promise<Rogue> {
    const door = to.door;
    if (door === undefined) throw new Error(`${to.name} is not running`);
    const place = { name: `rogue ${as.name}`, clock: world.scheduler.clock("rogue"), isDown: false };
    const random = world.random.fork(`rogue ${world.scheduler.events}`);
    const binding = random.bytes(BINDING_BYTES);
    const [ours, theirs] = SimSocket.pair({ network: world.network, from: place, to: to.place, onLine: ({ data }) => [data] });
    answer({ door, socket: theirs, from: as.host, binding });
    const initiator = new Initiator({
      signer: as.signer,
      to: to.nodeId,
      community: as.community.communityId() ?? as.nodeId,
      boot: createUlidFactory(place.clock, random.bytes)(),
      random: random.bytes,
      now: () => place.clock.now(),
      suites: SUITES,
      binding,
      via: "",
    });
    const accept = new Promise<Buffer>((resolve, reject) => {
      ours.once("message", resolve);
      ours.once("close", () => reject(new Error("closed without a word")));
    });
    ours.send(alter(Buffer.from(initiator.hello)).toString());
    const { confirm, established } = initiator.answer(await world.settled(accept));
    ours.send(alter(Buffer.from(confirm)).toString());
    return new Rogue({ world, as, socket: ours, established });
  }

  /** A chain that begins anew. */
  forgedSeals(change: { th6?: Buffer } = {}): SealWriter {
    const { sid, self, peer, community, th6 } = this.established;
    return new SealWriter(this.#as.signer, { session: sid, from: self, to: peer, community, th6, ...change });
  }

  /** A CALL as it would stand on the wire. */
  call(n: number, o: { capability?: string } = {}): Buffer {
    const id = this.#nextId;
    this.#nextId += 2;
    const rid = `ROGUE-${this.established.sid}-${n}`.replaceAll("=", "");
    const body = { cap: o.capability ?? ECHO, ver: "1.0", rid, dl: 10_000, body: { params: {}, input: { n } } };
    return encodeRecord({ type: TYPE.call, id, body: JSON.stringify(body) });
  }

  /** @param o.sealed  with a seal over it, as an honest end says what changes something */
  say(records: readonly Buffer[], o: { sealed?: boolean } = {}): void {
    for (const record of records) if (isLeaf(record[0] ?? 0)) this.seals.add(leafOf(record));
    const parts = o.sealed === true ? [this.#seal(), ...records] : [...records];
    this.#frame(KIND.data, parts, o.sealed ?? false);
  }

  /** Something that should be a record, in a frame as it should be. */
  raw(record: Buffer): void {
    this.#frame(KIND.data, [record], false);
  }

  /** Something that should be a frame. */
  bytes(frame: Buffer): void {
    this.#socket.send(frame);
  }

  sealNow(): void {
    this.#frame(KIND.ctrl, [this.#seal()], false);
  }

  /** Signs of life, so that only what is missing can be missed. */
  ping(): void {
    this.#frame(KIND.ctrl, [encodeRecord({ type: TYPE.ping, id: 0, body: Buffer.alloc(8) })], false);
  }

  #seal(): Buffer {
    return encodeRecord({ type: TYPE.seal, id: 0, body: this.seals.seal(this.#world.scheduler.clock("rogue").now()) });
  }

  #frame(kind: 1 | 2, parts: Buffer[], sealed: boolean): void {
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    this.#socket.send(this.#frames.seal(kind, { parts, bytes, sealed }));
  }
}
