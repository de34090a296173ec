import { timingSafeEqual } from "node:crypto";
import { decodeBase64url, encodeBase64url, formatTime, parseTime } from "../../foundation/index.ts";
import { canonicalText, formatSignature, verifyTyped, type Signer } from "../../identity/index.ts";
import {
  CONSTANTS,
  type CommunityId,
  type ErrorCode,
  type NodeId,
  type Random,
  type Time,
  type Ulid,
} from "../../contract/index.ts";
import { RAW_BYTES } from "./attached.ts";
import type { Suite } from "./cipher.ts";
import { CLOSE, SessionFault, type CloseCode } from "./fault.ts";
import {
  agreeLimits,
  LIMITS,
  NONCE_BYTES,
  readAccept,
  readConfirm,
  readHello,
  readMessage,
  readReject,
  type Accept,
  type Hello,
  type Limits,
  type Received,
} from "./hello.ts";
import { createEphemeral, deriveSession, extract, finishedMac, type DirectionKey, type Ephemeral } from "./keys.ts";
import { beginTranscript, mix, mixAccept, mixHello, type Prologue } from "./transcript.ts";

/** Questions about the log are calls on the session. @source network.md §1.4 "Pseudo-capabilities" */
export const SYNC = "sync";
/** Topics are calls on it. */
export const TOPICS = "topics";
/** In every session of this version. @source network.md §1.2 `features` */
const REQUIRED: readonly string[] = ["seal"];
/** What this version can do. */
const OFFERED: readonly string[] = [...REQUIRED, RAW_BYTES, SYNC, TOPICS];
const SKEW_MS = CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000;

export interface HandshakeOptions extends Prologue {
  signer: Signer;
  /** Acted from; a node without one speaks for itself alone. */
  community: CommunityId;
  /** Of this process's start. */
  boot: Ulid;
  random: Random;
  /** Unix milliseconds; for the initiator by the callee's clock, as far as it is known. */
  now: () => number;
  /** In the order of liking. */
  suites: readonly Suite[];
  limits?: Limits;
  /** What is offered beside what every session has; by default all that this version can do. */
  features?: readonly string[];
}

/** What both sides know when the handshake is over. */
export interface Established {
  role: "initiator" | "responder";
  self: NodeId;
  peer: NodeId;
  community: CommunityId;
  /** What the peer acts from; another one where a federation joins them. */
  peerCommunity: CommunityId;
  suite: Suite;
  limits: Limits;
  features: string[];
  sid: string;
  /** End of the transcript: `prev` of both first seals. */
  th6: Buffer;
  send: DirectionKey;
  receive: DirectionKey;
  peerBoot: Ulid;
  /** Milliseconds that the peer's clock is ahead of ours. */
  clockOffsetMs: number;
  replaces: string | undefined;
  via: NodeId | "";
  /** TLS ends at both of them: nobody stands between. */
  isBound: boolean;
}

/** A handshake refused by us; `rejectCode` is told to the other side. */
export class Rejection extends SessionFault {
  readonly rejectCode: string;

  constructor(closeCode: CloseCode, o: { code: ErrorCode; rejectCode?: string }) {
    super(closeCode, { code: o.code, ...(o.rejectCode === undefined ? {} : { reason: o.rejectCode }) });
    this.rejectCode = o.rejectCode ?? o.code;
  }
}

/** The side that has dialled. One object per attempt. @source network.md §1.2 */
export class Initiator {
  readonly #o: HandshakeOptions & { to: NodeId };
  readonly #key: Ephemeral;
  readonly #hello: Hello;
  readonly #th1: Buffer;

  constructor(o: HandshakeOptions & { to: NodeId; replaces?: string }) {
    this.#o = o;
    this.#key = createEphemeral(o.random(NONCE_BYTES));
    this.#hello = {
      t: "hello",
      v: 1,
      from: o.signer.nodeId,
      to: o.to,
      community: o.community,
      e: this.#key.text,
      n: encodeBase64url(o.random(NONCE_BYTES)),
      suites: o.suites.filter((suite) => mayUse(suite, o)),
      cb: o.binding === null ? "none" : "tls-exporter",
      via: o.via,
      features: [...(o.features ?? OFFERED)],
      limits: o.limits ?? LIMITS,
      boot: o.boot,
      time: formatTime(o.now()),
      ...(o.replaces === undefined ? {} : { replaces: o.replaces }),
    };
    this.#th1 = mixHello(beginTranscript(o), this.#hello);
  }

  get hello(): string {
    return canonicalText(this.#hello);
  }

  /**
   * @throws SessionFault 4401 when the other side has not proven itself; what it refused with, `expired` with its time when that is signed
   */
  answer(text: Uint8Array | string): { confirm: string; established: Established } {
    try {
      const value = readMessage(text, "accept", "reject");
      if (value["t"] === "reject") throw this.#refused(readReject(value));
      return this.#accepted({ value, said: readAccept(value) });
    } finally {
      this.#key.erase();
    }
  }

  #accepted({ value, said }: Received<Accept>): { confirm: string; established: Established } {
    const { signer, to, now } = this.#o;
    const isOurs = said.from === to && said.to === signer.nodeId && this.#hello.suites.includes(said.suite);
    if (!isOurs || Math.abs(parseTime(said.time) - now()) > SKEW_MS || !REQUIRED.every((name) => said.features.includes(name)))
      throw unproven();
    const th2 = mixAccept(this.#th1, value);
    const sigR = decodeBase64url(said.sig);
    if (!isSigned(sigR, { role: "responder", from: to, to: signer.nodeId, th: th2 })) throw unproven();
    const secret = this.#key.agree(said.e);
    if (secret === null) throw unproven();
    const prk = extract(th2, secret);
    const th3 = mix(th2, "sig r", sigR);
    const macR = finishedMac(prk, "r", th3);
    if (!timingSafeEqual(macR, decodeBase64url(said.mac))) throw unproven();
    const th4 = mix(th3, "fin r", macR);
    const sigI = decodeBase64url(signature(signer, { role: "initiator", to, th: th4 }));
    const th5 = mix(th4, "sig i", sigI);
    const macI = finishedMac(prk, "i", th5);
    const th6 = mix(th5, "fin i", macI);
    const established = conclude({ role: "initiator", ours: this.#hello, theirs: said, suite: said.suite, prk, th6, now: now() });
    prk.fill(0);
    const confirm = canonicalText({ t: "confirm", sig: encodeBase64url(sigI), mac: encodeBase64url(macI) });
    return {
      confirm,
      established: { ...established, replaces: this.#hello.replaces, via: this.#o.via, isBound: this.#o.binding !== null },
    };
  }

  #refused({ code, server_time, signature: text }: ReturnType<typeof readReject>): SessionFault {
    const { signer, to } = this.#o;
    const proof = {
      type: "hearthnet.peer-auth.v1",
      role: "reject",
      from: to,
      to: signer.nodeId,
      th: encodeBase64url(this.#th1),
      code,
    };
    const isGenuine =
      server_time !== undefined &&
      text !== undefined &&
      verifyTyped("peer-auth", { ...proof, server_time }, { by: to, signature: text });
    // Its close code says what it means; the word is only believed where a signature stands behind it.
    return new SessionFault(CLOSE.deadline, {
      code: code === "expired" ? "expired" : "partition",
      reason: code === "expired" ? "clock_skew" : "session_refused",
      ...(isGenuine ? { details: { server_time } } : {}),
      cause: new Error(`the peer refused the handshake: ${code}`),
    });
  }
}

export interface ResponderOptions extends HandshakeOptions {
  /** Whether this node may have a session at all. @throws Rejection */
  admit: (from: NodeId, community: CommunityId) => void;
}

/** The side that was dialled. Order of the checks: the cheapest first. @source network.md §1.2 */
export class Responder {
  readonly #o: ResponderOptions;
  #hello: Hello | undefined;
  #th1: Buffer | undefined;
  #waiting: { accept: Omit<Accept, "sig" | "mac">; prk: Buffer; th4: Buffer } | undefined;

  constructor(o: ResponderOptions) {
    this.#o = o;
  }

  /** Who claims to call, once HELLO was read; nothing of it is proven. */
  get claimed(): Hello | undefined {
    return this.#hello;
  }

  /** @returns ACCEPT @throws SessionFault 4400 · Rejection */
  hello(text: Uint8Array | string): string {
    const { signer, now, admit, via, suites } = this.#o;
    const received = readHello(text);
    const { said } = received;
    this.#hello = said;
    if (said.to !== signer.nodeId || said.from === signer.nodeId)
      throw new Rejection(CLOSE.proof, { code: "invalid_signature", rejectCode: "wrong_recipient" });
    // Behind a proxy the two ends see different connections; whoever knows that of itself says so, and gets the suite that needs no binding.
    const seen: Prologue = { binding: said.cb === "none" ? null : this.#o.binding, via };
    this.#th1 = mixHello(beginTranscript(seen), received.value);
    if (Math.abs(parseTime(said.time) - now()) > SKEW_MS) throw new Rejection(CLOSE.deadline, { code: "expired" });
    admit(said.from, said.community);
    if (said.via !== via || (said.cb === "tls-exporter" && seen.binding === null))
      throw new Rejection(CLOSE.proof, { code: "invalid_signature", rejectCode: "handshake_unproven" });
    const suite = said.suites.find((name): name is Suite => suites.includes(name as Suite) && mayUse(name as Suite, seen));
    if (suite === undefined || !REQUIRED.every((name) => said.features.includes(name)))
      throw new Rejection(CLOSE.badFrame, { code: "bad_request" });
    return this.#accept(said, { suite, th1: this.#th1 });
  }

  #accept(said: Hello, { suite, th1 }: { suite: Suite; th1: Buffer }): string {
    const { signer, community, boot, random, now, limits = LIMITS } = this.#o;
    const key = createEphemeral(random(NONCE_BYTES));
    const accept = {
      t: "accept" as const,
      v: 1 as const,
      from: signer.nodeId,
      to: said.from,
      community,
      e: key.text,
      n: encodeBase64url(random(NONCE_BYTES)),
      suite,
      features: (this.#o.features ?? OFFERED).filter((name) => said.features.includes(name)),
      limits,
      boot,
      time: formatTime(now()),
    };
    const secret = key.agree(said.e);
    key.erase();
    if (secret === null) throw new Rejection(CLOSE.proof, { code: "invalid_signature", rejectCode: "handshake_unproven" });
    const th2 = mixAccept(th1, accept);
    const prk = extract(th2, secret);
    const sigR = decodeBase64url(signature(signer, { role: "responder", to: said.from, th: th2 }));
    const th3 = mix(th2, "sig r", sigR);
    const macR = finishedMac(prk, "r", th3);
    this.#waiting = { accept, prk, th4: mix(th3, "fin r", macR) };
    return canonicalText({ ...accept, sig: encodeBase64url(sigR), mac: encodeBase64url(macR) });
  }

  /** Until this has returned there are no keys, so no frame can be read or written. @throws SessionFault 4400, 4401 */
  confirm(text: Uint8Array | string): Established {
    const said = readConfirm(text);
    const hello = this.#hello;
    const waiting = this.#waiting;
    if (hello === undefined || waiting === undefined) throw unproven();
    this.#waiting = undefined;
    const { prk, th4, accept } = waiting;
    const sigI = decodeBase64url(said.sig);
    const th5 = mix(th4, "sig i", sigI);
    const macI = finishedMac(prk, "i", th5);
    const isProven =
      timingSafeEqual(macI, decodeBase64url(said.mac)) &&
      isSigned(sigI, { role: "initiator", from: hello.from, to: this.#o.signer.nodeId, th: th4 });
    if (!isProven) throw unproven();
    const th6 = mix(th5, "fin i", macI);
    const established = conclude({
      role: "responder",
      ours: accept,
      theirs: hello,
      suite: accept.suite,
      prk,
      th6,
      now: this.#o.now(),
    });
    prk.fill(0);
    return { ...established, replaces: hello.replaces, via: this.#o.via, isBound: hello.cb === "tls-exporter" };
  }

  /**
   * What the other side is told. Our time is signed and bound to its HELLO, so that an old refusal shifts no clock.
   * @param o.tellTime  at most once a second and address
   */
  reject(rejection: Rejection, o: { tellTime: boolean }): string {
    const { rejectCode: code } = rejection;
    if (code !== "expired" || !o.tellTime || this.#hello === undefined || this.#th1 === undefined)
      return canonicalText({ t: "reject", code });
    const server_time = formatTime(this.#o.now());
    const text = signature(this.#o.signer, { role: "reject", to: this.#hello.from, th: this.#th1, code, server_time });
    return canonicalText({ t: "reject", code, server_time, signature: formatSignature(decodeBase64url(text)) });
  }
}

/** Only where TLS itself is bound and ends at the peer may frames go without encryption of their own. */
function mayUse(suite: Suite, { binding, via }: Prologue): boolean {
  return suite === "c20p" || (binding !== null && via === "");
}

interface Proof {
  role: "initiator" | "responder" | "reject";
  to: NodeId;
  th: Buffer;
  code?: string;
  server_time?: Time;
}

/** Base64url of the 64 bytes alone, as the messages carry it. */
function signature(signer: Signer, { th, ...proof }: Proof): string {
  return signer.signPeerAuth({ ...proof, th: encodeBase64url(th) }).slice("ed25519:".length);
}

function isSigned(bytes: Uint8Array, { th, from, ...proof }: Proof & { from: NodeId }): boolean {
  const value = { type: "hearthnet.peer-auth.v1", from, ...proof, th: encodeBase64url(th) };
  return verifyTyped("peer-auth", value, { by: from, signature: formatSignature(bytes) });
}

function conclude(o: {
  role: Established["role"];
  ours: Pick<Hello, "from" | "limits" | "community" | "features">;
  theirs: Pick<Hello, "from" | "limits" | "boot" | "time" | "community" | "features">;
  suite: Suite;
  prk: Buffer;
  th6: Buffer;
  now: number;
}): Omit<Established, "replaces" | "via" | "isBound"> {
  const { sid, i2r, r2i } = deriveSession(o.prk, o.th6);
  const isInitiator = o.role === "initiator";
  return {
    role: o.role,
    self: o.ours.from,
    peer: o.theirs.from,
    community: o.ours.community,
    peerCommunity: o.theirs.community,
    suite: o.suite,
    limits: agreeLimits(o.ours.limits, o.theirs.limits),
    features: o.ours.features.filter((name) => o.theirs.features.includes(name)),
    sid: encodeBase64url(sid),
    th6: o.th6,
    send: isInitiator ? i2r : r2i,
    receive: isInitiator ? r2i : i2r,
    peerBoot: o.theirs.boot,
    clockOffsetMs: parseTime(o.theirs.time) - o.now,
  };
}

function unproven(): SessionFault {
  return new SessionFault(CLOSE.proof);
}
