import { ByNumber } from "../../format/index.ts";
import { badFrame, CLOSE, SessionFault } from "./fault.ts";

/** Small records are not free: each costs its reader more than its bytes. @source network.md §1.5 */
const RECORD_COST_MIN = 256;
/** What a connection may say about itself, per second, with as much again at once. */
const CONTROL_BYTES_PER_SECOND = 65_536;

export function costOf(bodyBytes: number): number {
  return Math.max(bodyBytes, RECORD_COST_MIN);
}

export interface Windows {
  session: number;
  stream: number;
}

/** What this side may still send. Never negative. @source network.md §1.5 "Credit" */
export class SendCredit {
  readonly #windows: Windows;
  #session: number;
  readonly #streams = new ByNumber<number>();

  constructor(windows: Windows) {
    this.#windows = windows;
    this.#session = windows.session;
  }

  fits(id: number, cost: number): boolean {
    return cost <= this.#session && cost <= (this.#streams.get(id) ?? this.#windows.stream);
  }

  spend(id: number, cost: number): void {
    if (!this.fits(id, cost)) throw new RangeError("sent without credit");
    this.#session -= cost;
    this.#streams.set(id, (this.#streams.get(id) ?? this.#windows.stream) - cost);
  }

  /** Credit for a call that is over comes too late and changes nothing. @throws SessionFault 4400 for more than was ever taken */
  grant(id: number, bytes: number): void {
    if (id === 0) this.#session = within(this.#session + bytes, this.#windows.session);
    else {
      const left = this.#streams.get(id);
      if (left !== undefined) this.#streams.set(id, within(left + bytes, this.#windows.stream));
    }
  }

  close(id: number): void {
    this.#streams.delete(id);
  }
}

function within(credit: number, window: number): number {
  if (credit > window) throw badFrame("credit for what was never sent");
  return credit;
}

interface Inflow {
  left: number;
  /** Taken by the handler and not given back yet. */
  consumed: number;
  /** Arrived and not taken. */
  held: number;
}

/** Credit to give back: `id` 0 is the session's. */
export interface Grant {
  id: number;
  bytes: number;
}

/** What the other side may send, and how much of it was taken by those it is for. */
export class ReceiveCredit {
  readonly #windows: Windows;
  readonly #session: Inflow;
  readonly #streams = new ByNumber<Inflow>();

  constructor(windows: Windows) {
    this.#windows = windows;
    this.#session = { left: windows.session, consumed: 0, held: 0 };
  }

  /** @throws SessionFault 4409 for more than was granted */
  received(id: number, cost: number): void {
    let stream = this.#streams.get(id);
    if (stream === undefined) this.#streams.set(id, (stream = { left: this.#windows.stream, consumed: 0, held: 0 }));
    for (const flow of [this.#session, stream]) {
      if (cost > flow.left) throw new SessionFault(CLOSE.credit);
      flow.left -= cost;
      flow.held += cost;
    }
  }

  /** A handler has taken a record. @returns what is worth giving back: half a window or more */
  consumed(id: number, cost: number): Grant[] {
    const stream = this.#streams.get(id);
    const grants: Grant[] = [];
    if (stream !== undefined) take(stream, cost, { id, window: this.#windows.stream, grants });
    take(this.#session, cost, { id: 0, window: this.#windows.session, grants });
    return grants;
  }

  /** The call is over: what of it was never taken is free again, for the session. */
  close(id: number): Grant[] {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    return stream === undefined || stream.held === 0 ? [] : this.consumed(0, stream.held);
  }

  /** Bytes that have arrived and were not taken. */
  get held(): number {
    return this.#session.held;
  }
}

function take(flow: Inflow, cost: number, o: { id: number; window: number; grants: Grant[] }): void {
  flow.held -= cost;
  flow.consumed += cost;
  if (flow.consumed * 2 < o.window) return;
  o.grants.push({ id: o.id, bytes: flow.consumed });
  flow.left += flow.consumed;
  flow.consumed = 0;
}

/** How much a peer may say about the connection itself. Times are monotonic milliseconds. @source network.md §1.5 "Control lane" */
export class ControlRate {
  #bytes: number = 2 * CONTROL_BYTES_PER_SECOND;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** @throws SessionFault 4429 */
  take(bytes: number, now: number): void {
    const gained = (Math.max(0, now - this.#at) * CONTROL_BYTES_PER_SECOND) / 1000;
    this.#bytes = Math.min(2 * CONTROL_BYTES_PER_SECOND, this.#bytes + gained) - bytes;
    this.#at = now;
    if (this.#bytes < 0) throw new SessionFault(CLOSE.rate);
  }
}
