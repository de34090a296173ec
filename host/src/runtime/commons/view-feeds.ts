/** All views of one plugin process. @source plugin-platform §2.4 */
import type { Clock, PlacedEvent, PluginCommunity, StoredRelease } from "../../contract/index.ts";
import type { SharedStore } from "./shared-store.ts";
import { ViewFeed, type ViewDoor } from "./view-feed.ts";

export interface ViewFeedsOptions {
  release: StoredRelease;
  /** Releases that the plugin may come back to; what others have kept is thrown away. */
  keptReleases: readonly string[];
  community: PluginCommunity | null;
  store: SharedStore;
  clock: Clock;
  door: ViewDoor;
  mayRead: (type: string) => boolean;
  onFed: (events: readonly PlacedEvent[]) => void;
  onFault: (detail: string) => void;
  /** No view is at fault any more. */
  onWell: () => void;
}

export class ViewFeeds {
  readonly #feeds: ViewFeed[];
  readonly #faulty = new Set<string>();
  readonly #unsubscribe: () => void;

  constructor(o: ViewFeedsOptions) {
    const { release, community, ...rest } = o;
    o.store.keepReleases(release.id, [release.sha256, ...o.keptReleases]);
    const views = community === null ? [] : (release.manifest.contributes.views ?? []);
    this.#feeds = views.flatMap((view) =>
      community === null
        ? []
        : new ViewFeed({
            ...rest,
            view,
            plugin: release.id,
            release: release.sha256,
            community,
            onFault: (detail) => {
              this.#faulty.add(view.name);
              o.onFault(detail);
            },
            onWell: () => {
              if (this.#faulty.delete(view.name) && this.#faulty.size === 0) o.onWell();
            },
          }),
    );
    this.#unsubscribe = community?.onStored(() => this.ring()) ?? (() => {});
  }

  /** Resolves when every view had everything once, at the latest after the time. */
  async caughtUp(limitMs: number, clock: Clock): Promise<void> {
    if (this.#feeds.length === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.setTimeout(resolve, limitMs);
    await Promise.race([promise, Promise.all(this.#feeds.map((feed) => feed.caughtUp))]);
    timer.cancel();
  }

  /** Something was stored, or a right has changed. */
  ring(): void {
    for (const feed of this.#feeds) feed.ring();
  }

  stop(): void {
    this.#unsubscribe();
    for (const feed of this.#feeds) feed.stop();
  }
}
