/** Opens one connection for a plugin: name, decision, pinned address, TLS. @source plugin-platform §3.1 Network */
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as startTls, type TLSSocket } from "node:tls";
import type { Clock, PermissionName } from "../../contract/index.ts";
import { plainAddress, type AddressClass, HnError } from "../../foundation/index.ts";
import { nameOf, Undecided, type Target } from "../permission/index.ts";
import type { EgressMeter } from "./egress.ts";
import type { Settings } from "./endpoints.ts";
import { MeteredSocket } from "./metered-socket.ts";
import { checkAddresses, checkName, type Rights } from "./reach.ts";
import type { Talk } from "./talk.ts";
import type { NetWays } from "./ways.ts";

export interface Connection {
  target: Target;
  kind: AddressClass;
  permission: PermissionName;
  /** What to speak through; TLS stands already. */
  stream: Duplex;
  /** Counts what goes over the wire. */
  wire: MeteredSocket;
}

export interface OpenOptions {
  target: Target;
  tls: boolean;
  /** Asked together with the way itself: what else is needed there. */
  also?: readonly (() => void)[];
  talk: Pick<Talk, "grants" | "decide">;
  signal: AbortSignal;
  settings: () => Settings;
  ways: NetWays;
  meter: EgressMeter;
  clock: Clock;
}

/** For finding the addresses of a name, and then for a connection to one of them. */
const STEP_MS = 15_000;
/** For one of several addresses; the last one has what is left. */
const ADDRESS_MS = 4000;
const ADDRESSES_MAX = 8;

/**
 * @throws permission_denied · Undecided · quota_exceeded reason egress_used_up · partition reason host_unreachable | tls_untrusted · timeout · the signal's reason
 */
export async function netOpen(o: OpenOptions): Promise<Connection> {
  const { target, ways, talk } = o;
  o.signal.throwIfAborted();
  const own = ways.own();
  const rights = (): Rights & { own: ReadonlySet<string> } => ({ grants: talk.grants(), settings: o.settings(), own });
  await talk.decide(() => putAll([() => checkName(target, rights()), ...(o.also ?? [])]));
  const addresses = isIP(target.host) === 0 ? await inTime(o, (signal) => resolved(target, ways, signal)) : [target.host];
  o.signal.throwIfAborted();
  // The grants of this moment count, not those of before the name was resolved.
  const { kind, permission } = await talk.decide(() => checkAddresses(target, addresses, rights()));
  return inTime(o, async (signal) => {
    const wire = await dialOne(addresses.slice(0, ADDRESSES_MAX), { ...o, signal });
    if (!o.tls) return { target, kind, permission, stream: wire, wire };
    return { target, kind, permission, stream: await secured(wire, target, { ca: ways.ca, signal }), wire };
  });
}

/** Puts every one, so that a trial run sees all that is needed; then the first that was not simply allowed counts. @throws permission_denied · Undecided */
function putAll(checks: readonly (() => void)[]): void {
  let first: Undecided | undefined;
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
}

async function inTime<T>(o: OpenOptions, step: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const given = new AbortController();
  const limit = o.clock.setTimeout(
    () => given.abort(new HnError("timeout", { message: `${nameOf(o.target)} took too long.` })),
    STEP_MS,
  );
  try {
    return await step(AbortSignal.any([o.signal, given.signal]));
  } finally {
    limit.cancel();
  }
}

/** A name that leads nowhere is told apart from a host that is silent by nothing: the plugin can do the same about both. */
async function resolved(target: Target, ways: NetWays, signal: AbortSignal): Promise<string[]> {
  try {
    return await aborting(ways.resolve(target.host), signal);
  } catch (cause) {
    throw signal.aborted ? signal.reason : unreachable(target, cause);
  }
}

async function dialOne(addresses: readonly string[], o: OpenOptions): Promise<MeteredSocket> {
  let failure: unknown;
  for (const [index, address] of addresses.entries()) {
    try {
      return await dial(address, { ...o, patient: index === addresses.length - 1 });
    } catch (error) {
      if (o.signal.aborted) throw o.signal.reason;
      failure = error;
    }
  }
  throw unreachable(o.target, failure);
}

function dial(address: string, o: OpenOptions & { patient: boolean }): Promise<MeteredSocket> {
  const { target, ways, signal, clock, meter } = o;
  signal.throwIfAborted();
  const socket = ways.dial(plainAddress(address), target.port);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      stop();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason);
    const timer = o.patient ? undefined : clock.setTimeout(() => fail(new Error("no answer")), ADDRESS_MS);
    const stop = (): void => {
      timer?.cancel();
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort);
    socket.on("error", fail);
    socket.once("connect", () => {
      stop();
      socket.setNoDelay(true);
      resolve(quiet(new MeteredSocket(socket, meter)));
    });
  });
}

/** TLS with the name checked against the certificate; the plugin has no say in it. */
function secured(wire: MeteredSocket, target: Target, o: { ca: string | undefined; signal: AbortSignal }): Promise<TLSSocket> {
  const { ca, signal } = o;
  const { host } = target;
  const tls = startTls({
    socket: wire,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
  });
  // Whoever ends the wire ends what is spoken over it.
  wire.once("close", () => tls.destroy());
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      stop();
      tls.destroy();
      wire.destroy();
      reject(signal.aborted ? signal.reason : (untrusted(target, tls, error) ?? unreachable(target, wire.errored ?? error)));
    };
    const onAbort = (): void => fail(signal.reason);
    const onClose = (): void => fail(new Error("closed during the handshake"));
    const stop = (): void => {
      signal.removeEventListener("abort", onAbort);
      tls.off("error", fail).off("close", onClose);
    };
    signal.addEventListener("abort", onAbort);
    quiet(tls).on("error", fail).on("close", onClose);
    tls.once("secureConnect", () => {
      stop();
      resolve(tls);
    });
  });
}

/** What breaks is told to whoever reads or writes; with nobody there it must not end the node. */
function quiet<T extends Duplex>(stream: T): T {
  return stream.on("error", () => {});
}

/** The certificate's fault, if it is that. */
function untrusted(target: Target, { authorizationError }: TLSSocket, cause: unknown): HnError | undefined {
  // Unset, whatever the types say, until a certificate was refused.
  if (!authorizationError) return undefined;
  return new HnError("partition", {
    reason: "tls_untrusted",
    message: `The certificate of ${nameOf(target)} cannot be trusted (${String(authorizationError)}).`,
    cause,
  });
}

export function unreachable(target: Target, cause: unknown): HnError {
  if (HnError.isHnError(cause)) return cause;
  return new HnError("partition", { reason: "host_unreachable", message: `${nameOf(target)} cannot be reached.`, cause });
}

function aborting<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
