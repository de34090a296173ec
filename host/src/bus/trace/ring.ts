import { CONSTANTS, type CallFilter, type CallTrace, type Clock, type EndedCall, type NodeId } from "../../contract/index.ts";
import { formatVersion } from "../route/version.ts";
import type { Spans } from "./span.ts";

/** What is kept of a call: names. A provider would keep alive whoever stood behind it, long after that plugin has gone. */
type TraceRow = EndedCall;

/** The last 10,000 calls, in memory only; written as text when somebody looks. @source 03 §10, B-13 */
export class TraceRing {
  /** Rows are reused: a new one per call would outlive every cheap garbage collection. */
  readonly #rows: TraceRow[] = [];
  readonly #nodeId: NodeId;
  readonly #clock: Clock;
  readonly #spans: Spans;
  readonly #readers: Set<(trace: CallTrace) => void> = new Set();
  readonly #counters: Set<(call: EndedCall) => void> = new Set();
  /** All that were ever added. */
  #total = 0;

  constructor(o: { nodeId: NodeId; clock: Clock; spans: Spans }) {
    this.#nodeId = o.nodeId;
    this.#clock = o.clock;
    this.#spans = o.spans;
  }

  /** The oldest row, to be written over with the call that has just ended; then it is told of with {@link tell}. */
  take(): TraceRow {
    const place = this.#total++ % CONSTANTS.TRACE_RING_BUFFER;
    return (this.#rows[place] ??= emptyRow());
  }

  tell(row: TraceRow): void {
    if (this.#counters.size > 0) for (const counter of this.#counters) counter(row);
    if (this.#readers.size === 0) return;
    const trace = this.#written(row, this.#total);
    for (const reader of this.#readers) reader(trace);
  }

  /** Newest first. */
  recent(limit: number, filter: CallFilter = {}): CallTrace[] {
    const count = Math.max(0, Math.trunc(limit));
    const oldest = Math.max(this.#total - this.#rows.length, filter.after ?? 0);
    const out: CallTrace[] = [];
    for (let seq = this.#total; seq > oldest && out.length < count; seq--) {
      const row = this.#rows[(seq - 1) % CONSTANTS.TRACE_RING_BUFFER];
      if (row && fits(row, filter)) out.push(this.#written(row, seq));
    }
    return out;
  }

  onCall(listener: (trace: CallTrace) => void): () => void {
    this.#readers.add(listener);
    return () => this.#readers.delete(listener);
  }

  onEnded(listener: (call: EndedCall) => void): () => void {
    this.#counters.add(listener);
    return () => this.#counters.delete(listener);
  }

  #written(row: TraceRow, seq: number): CallTrace {
    // Rows keep the steady clock; the wall clock is read only for a reader.
    const wallMs = this.#clock.now() - (this.#clock.monotonic() - row.endedAt);
    const { parent } = row;
    return {
      seq,
      ts: new Date(wallMs).toISOString(),
      trace_id: row.traceId,
      span_id: this.#spans.text(row.span),
      ...(parent === undefined ? {} : { parent_id: typeof parent === "number" ? this.#spans.text(parent) : parent }),
      capability: row.capability,
      version: formatVersion(row.version),
      from_node: row.from,
      to_node: row.to,
      is_local: row.to === this.#nodeId,
      result: row.result,
      ms: Math.round(row.ms * 10) / 10,
      bytes_in: row.bytesIn,
      bytes_out: row.bytesOut,
      ...(row.tokensIn === undefined ? {} : { tokens_in: row.tokensIn }),
      ...(row.tokensOut === undefined ? {} : { tokens_out: row.tokensOut }),
    };
  }
}

function fits(row: TraceRow, { capability, node, result, trace_id }: CallFilter): boolean {
  return (
    (capability === undefined || row.capability === capability || row.capability.startsWith(`${capability}.`)) &&
    (node === undefined || row.from === node || row.to === node) &&
    (result === undefined || row.result === result) &&
    (trace_id === undefined || row.traceId === trace_id)
  );
}

function emptyRow(): TraceRow {
  return {
    traceId: "",
    span: 0,
    parent: undefined,
    capability: "",
    version: [0, 0],
    from: "",
    to: "",
    result: "ok",
    // Fractions from the start: a place that has held a whole number first is changed under the call.
    endedAt: 0.5,
    ms: 0.5,
    bytesIn: 0,
    bytesOut: 0,
    tokensIn: undefined,
    tokensOut: undefined,
  };
}
