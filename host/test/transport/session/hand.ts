/** The other end of a peer session played by hand: says what the test wants it to say, over a real socket. */
import { once } from "node:events";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import { WebSocket } from "ws";
import type { JsonObject } from "../../../src/contract/index.ts";
import { createUlidFactory, systemClock } from "../../../src/foundation/index.ts";
import type { Signer } from "../../../src/identity/index.ts";
import { FrameOpener, FrameSealer, SUITES } from "../../../src/transport/session/cipher.ts";
import { KIND, type Kind } from "../../../src/transport/session/frame.ts";
import { Initiator, type Established, type HandshakeOptions } from "../../../src/transport/session/handshake.ts";
import { leafOf } from "../../../src/transport/session/merkle.ts";
import {
  encodeRecord,
  isLeaf,
  jsonOf,
  readRecords,
  TYPE,
  type PeerRecord,
  type RecordType,
} from "../../../src/transport/session/record.ts";
import { SealWriter } from "../../../src/transport/session/seal.ts";
import { channelBinding } from "../../../src/transport/session/web-socket.ts";
import { seededRandom } from "../../support/people.ts";
import { until } from "../../support/until.ts";
import type { House } from "../support/street.ts";

let draws = 1000;

export interface Knock {
  webSocket: WebSocket;
  initiator: Initiator;
  options: HandshakeOptions & { to: string };
  /** Text messages and the close code, as they come. */
  texts: string[];
  closed: Promise<number>;
}

/** A WebSocket at `/bus/v1/peer`, open, on which nothing was said yet. */
export async function knock(
  house: House,
  signer: Signer,
  change: Partial<HandshakeOptions> & { replaces?: string } = {},
): Promise<Knock> {
  const socket = await plugIn(house);
  const webSocket = new WebSocket(`wss://127.0.0.1:${house.listener.port}/bus/v1/peer`, "hearthnet-peer.v1", {
    createConnection: () => socket,
    perMessageDeflate: false,
  });
  webSocket.on("error", () => undefined);
  const random = seededRandom(draws++);
  const options = {
    signer,
    to: house.nodeId,
    community: house.communityId(),
    boot: createUlidFactory(systemClock, random)(),
    random,
    now: () => Date.UTC(2026, 6, 1, 12),
    suites: SUITES,
    binding: channelBinding(socket),
    via: "" as const,
    ...change,
  };
  const texts: string[] = [];
  webSocket.on("message", (data, isBinary) => isBinary || texts.push((data as Buffer).toString()));
  const closed = new Promise<number>((resolve) => webSocket.once("close", resolve));
  await once(webSocket, "open");
  return { webSocket, initiator: new Initiator(options), options, texts, closed };
}

function plugIn(house: House): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: "127.0.0.1", port: house.listener.port, rejectUnauthorized: false, sigalgs: "ed25519", minVersion: "TLSv1.3" },
      () => resolve(socket),
    );
    socket.once("error", reject);
  });
}

/** A member's end of a session that is up. */
export class Hand {
  readonly established: Established;
  readonly webSocket: WebSocket;
  readonly closed: Promise<number>;
  /** Everything that was heard. */
  readonly heard: PeerRecord[] = [];
  readonly sealer: FrameSealer;
  readonly seals: SealWriter;
  readonly #signer: Signer;
  #nextId = 1;

  private constructor(o: Knock & { established: Established }) {
    const { suite, send, receive, sid, self, peer, community, th6 } = o.established;
    this.established = o.established;
    this.webSocket = o.webSocket;
    this.closed = o.closed;
    this.#signer = o.options.signer;
    this.sealer = new FrameSealer({ suite, key: send, now: 0 });
    this.seals = new SealWriter(this.#signer, { session: sid, from: self, to: peer, community, th6 });
    const opener = new FrameOpener(suite, receive, 262_144);
    o.webSocket.on("message", (data, isBinary) => {
      if (!isBinary) return;
      const { header, payload } = opener.open(data as Buffer);
      this.heard.push(...readRecords(payload, header));
    });
  }

  static async shake(
    house: House,
    signer: Signer,
    change: Partial<HandshakeOptions> & { replaces?: string } = {},
  ): Promise<Hand> {
    const knocked = await knock(house, signer, change);
    knocked.webSocket.send(knocked.initiator.hello);
    const accept = await until("the house answers", () => knocked.texts[0]);
    const { confirm, established } = knocked.initiator.answer(accept);
    knocked.webSocket.send(confirm);
    return new Hand({ ...knocked, established });
  }

  /** A CALL as it would stand on the wire. */
  call(o: JsonObject = {}, id: number = this.nextId()): Buffer {
    const rid = `HAND-${this.established.sid}-${id}`;
    const body = { cap: "ext.demo.echo", ver: "1.0", rid, dl: 10_000, body: { params: {}, input: { n: 1 } }, ...o };
    return encodeRecord({ type: TYPE.call, id, body: JSON.stringify(body) });
  }

  nextId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  /** Sends a frame. `sealed`: with a seal over it; false leaves out what an honest end would say. */
  say(kind: Kind, records: Buffer[], o: { sealed?: boolean } = {}): void {
    for (const record of records) if (isLeaf(record[0] ?? 0)) this.seals.add(leafOf(record));
    const sealed = o.sealed ?? false;
    const parts = sealed ? [this.sealRecord(), ...records] : records;
    this.bytes(this.sealer.seal(kind, { parts, bytes: parts.reduce((sum, part) => sum + part.byteLength, 0), sealed }));
  }

  data(...records: Buffer[]): void {
    this.say(KIND.data, records);
  }

  sealed(...records: Buffer[]): void {
    this.say(KIND.data, records, { sealed: true });
  }

  control(type: RecordType, id: number, body: string | Uint8Array): void {
    this.say(KIND.ctrl, [encodeRecord({ type, id, body })]);
  }

  sealRecord(): Buffer {
    return encodeRecord({ type: TYPE.seal, id: 0, body: this.seals.seal(Date.UTC(2026, 6, 1, 12)) });
  }

  bytes(frame: Uint8Array): void {
    this.webSocket.send(frame);
  }

  /** Waits for the first record of this type that was not asked for before. */
  async next(type: RecordType, id?: number): Promise<{ record: PeerRecord; value: JsonObject }> {
    const record = await until(`a record of type ${type} comes`, () =>
      this.heard.find((one) => one.type === type && (id === undefined || one.id === id)),
    );
    this.heard.splice(this.heard.indexOf(record), 1);
    return { record, value: record.body.byteLength > 8 ? jsonOf(record.body) : {} };
  }
}
