import type { Clock, LocalError, Log, Marketplace, Timer } from "./contract/index.ts";

/** @source marketplace §5 "Refresh" */
const PAUSE_MS = 6 * 3_600_000;

export interface CatalogueState {
  ageSeconds: number;
  /** Registries that did not answer. */
  silent: { id: string; error: LocalError }[];
}

/** Reads the catalogue now and every six hours. */
export function watchCatalogue(o: { marketplace: Pick<Marketplace, "refresh">; clock: Clock; log: Log }): {
  /** Null until the first round is over. */
  last(): CatalogueState | null;
  stop(): void;
} {
  let last: CatalogueState | null = null;
  let timer: Timer | null = null;
  let stopped = false;
  const round = async (): Promise<void> => {
    try {
      const { ageSeconds, registries } = await o.marketplace.refresh();
      const silent = registries.flatMap(({ id, error }) => (error === null ? [] : [{ id, error }]));
      if (silent.length > 0) o.log.warn("the catalogue could not be refreshed", { registries: silent.length });
      last = { ageSeconds, silent };
    } catch (error) {
      o.log.error("the catalogue could not be read", { error });
    }
    if (!stopped) timer = o.clock.setTimeout(() => void round(), PAUSE_MS);
  };
  void round();
  return {
    last: () => last,
    stop: () => {
      stopped = true;
      timer?.cancel();
    },
  };
}
