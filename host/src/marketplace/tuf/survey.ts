import type { Clock, Timer } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { untilAborted } from "../one-at-a-time.ts";
import { readAll, type Source, SourceMiss } from "../source/source.ts";
import { MAX_BYTES, Workflow } from "./workflow.ts";

/** @source marketplace §5.4 */
const SURVEY_MS = 5000;
/** When the registry itself has answered, the others have this long; somebody may be looking at an empty page. */
const GRACE_MS = 1000;

export interface Surveyed {
  /** The newest root that any of them could show by a chain of signatures from `root`. */
  root: Uint8Array;
  /** Roots on the way there, in order. */
  roots: readonly Uint8Array[];
  /** Who answered, with what claims to be newest in front; nothing is believed of it yet. */
  order: Source[];
  /** Why the others are not among them. */
  failures: ReadonlyMap<Source, unknown>;
}

interface Found {
  source: Source;
  roots: Uint8Array[];
  root: Workflow["root"];
  version: number;
}

/**
 * Asks all sources at once for their roots and for what is newest with them. Roots come first and from everybody: who holds stolen keys of
 * yesterday can count as high as he likes, but not below a root that dropped them.
 */
export async function survey(
  sources: readonly Source[],
  o: { root: Uint8Array; at: Date; clock: Clock; signal: AbortSignal },
): Promise<Surveyed> {
  const failures = new Map<Source, unknown>();
  const late = new AbortController();
  const hurry = (ms: number): Timer => o.clock.setTimeout(() => late.abort(silent()), ms);
  const timers = [hurry(SURVEY_MS)];
  const signal = AbortSignal.any([late.signal, o.signal]);
  const ask = async (source: Source): Promise<Found | undefined> => {
    try {
      const found = await untilAborted(look(source, { ...o, signal }), signal);
      if (source.neighbour === undefined) timers.push(hurry(GRACE_MS));
      return found;
    } catch (error) {
      failures.set(source, error);
      return undefined;
    }
  };
  const all = await Promise.all(sources.map(ask));
  for (const timer of timers) timer.cancel();
  o.signal.throwIfAborted();
  const found = all.filter((one) => one !== undefined);
  // A sort keeps the order of what is equal: the nearer source first.
  const [best] = found.toSorted((a, b) => b.root.signed.version - a.root.signed.version);
  return {
    root: best?.roots.at(-1) ?? o.root,
    roots: best?.roots ?? [],
    order: found.toSorted((a, b) => b.version - a.version).map(({ source }) => source),
    failures,
  };
}

async function look(source: Source, o: { root: Uint8Array; at: Date; signal: AbortSignal }): Promise<Found> {
  const { signal } = o;
  const roots: Uint8Array[] = [];
  const workflow = new Workflow({
    root: o.root,
    kept: new Map(),
    at: o.at,
    fetch: (file, maxBytes) => readOr404(source, `tuf/${file}`, { maxBytes, signal }),
    onVerified: (_role, bytes) => roots.push(bytes),
  });
  await workflow.refreshRoots();
  const bytes = await readOr404(source, "tuf/timestamp.json", { maxBytes: MAX_BYTES.timestamp, signal });
  if (bytes === null)
    throw new HnError("partition", { reason: "unreachable", message: "There is no registry where one is looked for." });
  return { source, roots, root: workflow.root, version: claimedVersion(bytes) };
}

async function readOr404(source: Source, key: string, o: { maxBytes: number; signal: AbortSignal }): Promise<Uint8Array | null> {
  try {
    return await readAll(source, key, o);
  } catch (error) {
    if (error instanceof SourceMiss) return null;
    throw error;
  }
}

/** What nobody has checked; 0 for what cannot be read. */
function claimedVersion(bytes: Uint8Array): number {
  try {
    const { signed } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed?: { version?: unknown } };
    return typeof signed?.version === "number" && Number.isSafeInteger(signed.version) ? signed.version : 0;
  } catch {
    return 0;
  }
}

/** Whether it was only too slow for a survey. */
export class Late extends HnError {}

function silent(): HnError {
  return new Late("partition", { reason: "unreachable", message: "The registry cannot be reached. It answers too slowly." });
}
