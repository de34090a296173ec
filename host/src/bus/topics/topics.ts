import type { TopicBacklog, TopicMessage, Topics } from "../../contract/index.ts";
import { Rings } from "./rings.ts";

export interface TopicsOptions {
  /** Names this start of the node: numbers of another start mean nothing. */
  epoch?: string;
}

/**
 * Topics of one node, in memory. What was published here is kept for a while, for whoever asks what came after a number; what came from a
 * neighbour is only handed on. Names, rights and limits are the business of whoever publishes, listens and asks.
 * @source 02 §7.2, T-16
 */
export function openTopics(o: TopicsOptions = {}): Topics {
  const listeners = new Set<(message: TopicMessage) => void>();
  const rings = new Rings(o.epoch ?? "0");
  const hand = (message: TopicMessage): void => {
    for (const listener of listeners) listener(message);
  };
  return {
    publish(message) {
      rings.add(message.topic, message.data);
      hand(message);
    },
    receive: hand,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    since: (topic, after): TopicBacklog => rings.since(topic, after),
  };
}
