import { CONSTANTS, type AnyErrorCode, type CallTrace, type Clock, type NodeId } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { formatVersion } from "../route/version.ts";

/** One line of the trace before anybody reads it. */
export interface TraceEntry {
  traceId: string;
  provider: Provider;
  from: NodeId;
  result: "ok" | "cancelled" | AnyErrorCode;
  /** Monotonic milliseconds of the end. */
  endedAt: number;
  ms: number;
  bytesIn: number;
  bytesOut: number;
}

/** What is kept of it: names. A provider would keep alive whoever stood behind it, long after that plugin has gone. */
interface TraceRow extends Omit<TraceEntry, "provider"> {
  capability: string;
  version: readonly [number, number];
  to: NodeId;
}

/** The last 10,000 calls, in memory only; written as text when somebody looks. @source 03 §10, B-13 */
export class TraceRing {
  /** Rows are reused: a new one per call would outlive every cheap garbage collection. */
  readonly #rows: TraceRow[] = [];
  readonly #nodeId: NodeId;
  readonly #clock: Clock;
  readonly #listeners: Set<(trace: CallTrace) => void> = new Set();
  #next = 0;

  constructor(o: { nodeId: NodeId; clock: Clock }) {
    this.#nodeId = o.nodeId;
    this.#clock = o.clock;
  }

  add(entry: TraceEntry): void {
    const { descriptor, node_id } = entry.provider;
    const row = this.#rows[this.#next];
    if (row === undefined) this.#rows[this.#next] = rowOf(entry);
    else {
      row.traceId = entry.traceId;
      row.capability = descriptor.name;
      row.version = descriptor.version;
      row.to = node_id;
      row.from = entry.from;
      row.result = entry.result;
      row.endedAt = entry.endedAt;
      row.ms = entry.ms;
      row.bytesIn = entry.bytesIn;
      row.bytesOut = entry.bytesOut;
    }
    this.#next = (this.#next + 1) % CONSTANTS.TRACE_RING_BUFFER;
    if (this.#listeners.size === 0) return;
    const trace = this.#written(rowOf(entry));
    for (const listener of this.#listeners) listener(trace);
  }

  /** Newest first. */
  recent(limit: number): CallTrace[] {
    const count = Math.min(Math.max(0, Math.trunc(limit)), this.#rows.length);
    const out: CallTrace[] = [];
    for (let i = 1; i <= count; i++) {
      const row = this.#rows[(this.#next - i + this.#rows.length) % this.#rows.length];
      if (row) out.push(this.#written(row));
    }
    return out;
  }

  onCall(listener: (trace: CallTrace) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #written(row: TraceRow): CallTrace {
    // Rows keep the steady clock; the wall clock is read only for a reader.
    const wallMs = this.#clock.now() - (this.#clock.monotonic() - row.endedAt);
    return {
      ts: new Date(wallMs).toISOString(),
      trace_id: row.traceId,
      capability: row.capability,
      version: formatVersion(row.version),
      from_node: row.from,
      to_node: row.to,
      is_local: row.to === this.#nodeId,
      result: row.result,
      ms: Math.round(row.ms * 10) / 10,
      bytes_in: row.bytesIn,
      bytes_out: row.bytesOut,
    };
  }
}

function rowOf({ provider, ...rest }: TraceEntry): TraceRow {
  const { descriptor, node_id } = provider;
  return { ...rest, capability: descriptor.name, version: descriptor.version, to: node_id };
}
