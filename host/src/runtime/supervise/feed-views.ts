/** Feeds the views of a plugin's process, with its log and the ledger. @source plugin-platform §2.4, §8.1 */
import type { StoredRelease } from "../../contract/index.ts";
import { openViewDoor, type Session } from "../broker/index.ts";
import { ViewFeeds } from "../commons/index.ts";
import type { PluginEnvironment } from "./environment.ts";

/** A long log is not waited for: the plugin serves, and its views come after. */
const CATCH_UP_MS = 10_000;

/** Resolves when the views have everything, so that first answers come from whole views. */
export async function feedViews(o: {
  release: StoredRelease;
  session: Session;
  environment: PluginEnvironment;
  /** The views, as soon as they are fed. */
  onOpen: (views: ViewFeeds) => void;
  /** What a view could not do; null when all are well again. */
  onFault: (detail: string | null) => void;
}): Promise<void> {
  const { release, session, environment } = o;
  const { commons, clock, journal, ledger, logs } = environment;
  const { id, version } = release;
  const rights = session.wishes.standing({
    op: "events.feed",
    permission: "events.read",
    wishes: [...new Set((release.manifest.contributes.views ?? []).flatMap(({ types }) => types))],
    nameOf: (type) => type,
    check: (table, type) => table.readable([type]),
  });
  const views = new ViewFeeds({
    release,
    keptReleases: journal.kept(id).map((kept) => kept.release.sha256),
    community: commons.community,
    store: commons.store,
    clock,
    door: openViewDoor(session.questions),
    mayRead: (type) => {
      const readable = rights.open();
      rights.askForRest(() => views.ring());
      return readable.includes(type);
    },
    onFed: (events) => {
      const row = { plugin: id, release: version, op: "events.feed", permission: "events.read", verdict: "allow" as const };
      for (const { event } of events) ledger.add({ ...row, target: event.event_type });
    },
    onFault: (detail) => {
      logs.add(id, { source: "host", level: "error", message: detail });
      o.onFault(detail);
    },
    onWell: () => o.onFault(null),
  });
  o.onOpen(views);
  await views.caughtUp(CATCH_UP_MS, clock);
}
