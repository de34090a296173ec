/** Brings a serving plugin what others say on topics. @source plugin-platform §2.4 */
import type { StoredRelease } from "../../contract/index.ts";
import type { Session } from "../broker/index.ts";
import { TopicFeed } from "../commons/index.ts";
import type { PluginEnvironment } from "./environment.ts";

const DELIVERY_MS = 10_000;
const DROPPED = "topic_messages_dropped";

export function listen(o: { release: StoredRelease; session: Session; environment: PluginEnvironment }): TopicFeed {
  const { release, session, environment } = o;
  const say = (message: string): void => environment.logs.add(release.id, { source: "host", level: "warn", message });
  // A yes of the operator lasts as long as the feed.
  const grants = session.wishes.newGrants();
  return new TopicFeed({
    patterns: release.manifest.contributes.topics?.subscribe ?? [],
    topics: environment.commons.topics,
    mayHear: (topic, signal) =>
      session.wishes.mayHappen({
        op: "pubsub.subscribe",
        permission: "pubsub.subscribe",
        target: topic,
        grants,
        check: (table) => table.subscribe(topic),
        signal,
      }),
    deliver: async (pattern, message) =>
      void (await session.questions.ask((id) => ({ t: "topic", id, pattern, message }), DELIVERY_MS)),
    onFault: say,
    onDropped: (count) => {
      const dropped = (session.metrics.get(DROPPED) ?? 0) + count;
      session.metrics.set(DROPPED, dropped);
      if (dropped === count) say("It is slower than the messages of its topics come; the oldest are thrown away and counted.");
    },
  });
}
