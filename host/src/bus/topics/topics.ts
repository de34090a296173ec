import type { TopicMessage, Topics } from "../../contract/index.ts";

/** Topics of one node, in memory. Names, rights and limits are the business of whoever publishes and listens. @source 02 §7.2 */
export function openTopics(): Topics {
  const listeners = new Set<(message: TopicMessage) => void>();
  return {
    publish(message) {
      for (const listener of listeners) listener(message);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
