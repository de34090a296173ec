import type { Clock, LocalError, Log, Marketplace, NodeId, Timer } from "./contract/index.ts";

/** @source marketplace §5 "Refresh" */
const PAUSE_MS = 6 * 3_600_000;
/** Neighbours come and go; not each of them is a reason to read again. */
const NEIGHBOUR_PAUSE_MS = 60_000;

export interface CatalogueState {
  ageSeconds: number;
  /** Registries that did not answer. */
  silent: { id: string; error: LocalError }[];
}

/** Neighbours that may have what a silent registry does not give. */
export interface CatalogueNeighbours {
  near(): { node_id: NodeId }[];
  /** Those who say that they have newer lists than lie here. @source marketplace §5.6 */
  newer(): NodeId[];
  /** @returns ends it */
  onChange(listener: () => void): () => void;
}

/**
 * Reads the catalogue now and every six hours; also when a neighbour says that it has newer lists, and while a registry is silent, when a neighbour that may
 * have it comes into reach. Who says so and has none is not believed again for as long as a round lasts.
 */
export function watchCatalogue(o: {
  marketplace: Pick<Marketplace, "refresh">;
  /** Absent: they are not asked. */
  neighbours?: CatalogueNeighbours | undefined;
  clock: Clock;
  log: Log;
}): {
  /** Null until the first round is over. */
  last(): CatalogueState | null;
  stop(): void;
} {
  let last: CatalogueState | null = null;
  let timer: Timer | null = null;
  let stopped = false;
  let running = false;
  let startedAt = 0;
  let met = new Set<NodeId>();
  /** Until when nobody listens to them; monotonic milliseconds. */
  const disproven = new Map<NodeId, number>();
  const claimants = (): NodeId[] =>
    (o.neighbours?.newer() ?? []).filter((node) => (disproven.get(node) ?? 0) <= o.clock.monotonic());
  const round = async (): Promise<void> => {
    timer?.cancel();
    running = true;
    startedAt = o.clock.monotonic();
    met = new Set(o.neighbours?.near().map(({ node_id }) => node_id));
    try {
      const { ageSeconds, registries } = await o.marketplace.refresh();
      const silent = registries.flatMap(({ id, error }) => (error === null ? [] : [{ id, error }]));
      if (silent.length > 0) o.log.warn("the catalogue could not be refreshed", { registries: silent.length });
      last = { ageSeconds, silent };
    } catch (error) {
      o.log.error("the catalogue could not be read", { error });
    }
    for (const [node, until] of disproven) if (until <= o.clock.monotonic()) disproven.delete(node);
    for (const node of claimants()) disproven.set(node, o.clock.monotonic() + PAUSE_MS);
    running = false;
    if (stopped) return;
    plan(PAUSE_MS);
    look();
  };
  const plan = (delayMs: number): void => {
    timer?.cancel();
    timer = o.clock.setTimeout(() => void round(), delayMs);
  };
  const look = (): void => {
    if (stopped || running) return;
    const isSilent = last === null || last.silent.length > 0;
    const comes = isSilent && (o.neighbours?.near() ?? []).some(({ node_id }) => !met.has(node_id));
    if (!comes && claimants().length === 0) return;
    plan(Math.max(0, startedAt + NEIGHBOUR_PAUSE_MS - o.clock.monotonic()));
  };
  const unwatch = o.neighbours?.onChange(look);
  void round();
  return {
    last: () => last,
    stop: () => {
      stopped = true;
      unwatch?.();
      timer?.cancel();
    },
  };
}
