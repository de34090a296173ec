import { CONSTANTS, type AnyErrorCode, type CallTrace, type NodeId } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { formatVersion } from "../route/version.ts";

/** One line of the trace before anybody reads it. */
export interface TraceEntry {
  /** Unix milliseconds. */
  at: number;
  traceId: string;
  provider: Provider;
  from: NodeId;
  result: "ok" | "cancelled" | AnyErrorCode;
  ms: number;
  bytesIn: number;
  bytesOut: number;
}

type Row = Omit<TraceEntry, "provider"> & { name: string; version: readonly [number, number]; to: NodeId; local: boolean };

/** The last 10,000 calls, in memory only; written as text when somebody looks. @source 03 §10, B-13 */
export class TraceRing {
  readonly #rows: Row[] = [];
  readonly #nodeId: NodeId;
  readonly #listeners: Set<(trace: CallTrace) => void> = new Set();
  #next = 0;

  constructor(nodeId: NodeId) {
    this.#nodeId = nodeId;
  }

  add(entry: TraceEntry): void {
    const { descriptor, node_id } = entry.provider;
    const row: Row = {
      at: entry.at,
      traceId: entry.traceId,
      from: entry.from,
      result: entry.result,
      ms: entry.ms,
      bytesIn: entry.bytesIn,
      bytesOut: entry.bytesOut,
      name: descriptor.name,
      version: descriptor.version,
      to: node_id,
      local: node_id === this.#nodeId,
    };
    this.#rows[this.#next] = row;
    this.#next = (this.#next + 1) % CONSTANTS.TRACE_RING_BUFFER;
    if (this.#listeners.size === 0) return;
    const trace = written(row);
    for (const listener of this.#listeners) listener(trace);
  }

  /** Newest first. */
  recent(limit: number): CallTrace[] {
    const count = Math.min(Math.max(0, Math.trunc(limit)), this.#rows.length);
    const out: CallTrace[] = [];
    for (let i = 1; i <= count; i++) {
      const row = this.#rows[(this.#next - i + this.#rows.length) % this.#rows.length];
      if (row) out.push(written(row));
    }
    return out;
  }

  onCall(listener: (trace: CallTrace) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function written(row: Row): CallTrace {
  return {
    ts: new Date(row.at).toISOString(),
    trace_id: row.traceId,
    capability: row.name,
    version: formatVersion(row.version),
    from_node: row.from,
    to_node: row.to,
    is_local: row.local,
    result: row.result,
    ms: Math.round(row.ms * 10) / 10,
    bytes_in: row.bytesIn,
    bytes_out: row.bytesOut,
  };
}
