import type { LiveClient, LiveServer, LocalError } from "@hearthnet/host/contract";
import { writable, type Readable } from "svelte/store";

export type LiveState = "idle" | "connecting" | "open" | "lost";
type Change = Extract<LiveServer, { seq: number }>;

export interface Watcher {
  change: (message: Change) => void;
  refused?: (error: LocalError) => void;
}

interface Topic {
  watchers: Set<Watcher>;
  seq: number | undefined;
  epoch: string | undefined;
}

const topics = new Map<string, Topic>();
const state = writable<LiveState>("idle");
/** Whether the page hears the node. */
export const liveState: Readable<LiveState> = { subscribe: state.subscribe };

let socket: WebSocket | null = null;
let attempt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let onSignedOut: () => void = () => {};

export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** Watches one topic of the node until the returned function is called. */
export function watch(topic: string, watcher: Watcher): () => void {
  let entry = topics.get(topic);
  if (entry === undefined) topics.set(topic, (entry = { watchers: new Set(), seq: undefined, epoch: undefined }));
  const first = entry.watchers.size === 0;
  entry.watchers.add(watcher);
  if (socket === null) connect();
  else if (first) say({ op: "sub", topic });
  return () => {
    const now = topics.get(topic);
    now?.watchers.delete(watcher);
    if (now === undefined || now.watchers.size > 0) return;
    topics.delete(topic);
    say({ op: "unsub", topic });
  };
}

/** Ends the connection, on sign-out. */
export function hangUp(): void {
  clearTimeout(timer);
  socket?.close(1000);
  socket = null;
  topics.clear();
  state.set("idle");
}

function connect(): void {
  clearTimeout(timer);
  if (attempt === 0) state.set("connecting");
  const next = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/live`, "hearthnet-admin.v1");
  socket = next;
  next.onopen = () => {
    attempt = 0;
    state.set("open");
    for (const [topic, entry] of topics) say({ op: "sub", topic, ...(entry.seq === undefined ? {} : { since: entry.seq }) });
  };
  next.onmessage = (event: MessageEvent<string>) => receive(JSON.parse(event.data) as LiveServer);
  next.onclose = (event) => {
    if (socket !== next) return;
    socket = null;
    if (event.code === 4401) return onSignedOut();
    if (topics.size === 0) return state.set("idle");
    state.set("lost");
    timer = setTimeout(connect, Math.min(10_000, 500 * 2 ** attempt++));
  };
}

function receive(message: LiveServer): void {
  if ("op" in message) {
    if (message.op === "ping") return say({ op: "pong" });
    for (const watcher of topics.get(message.topic)?.watchers ?? []) watcher.refused?.(message.error);
    return;
  }
  const entry = topics.get(message.topic);
  if (entry === undefined) return;
  if (entry.epoch !== undefined && entry.epoch !== message.epoch) {
    // The node has started anew: what we counted belongs to its former life.
    entry.seq = undefined;
    entry.epoch = message.epoch;
    say({ op: "unsub", topic: message.topic });
    return say({ op: "sub", topic: message.topic });
  }
  entry.epoch = message.epoch;
  entry.seq = message.seq;
  for (const watcher of entry.watchers) watcher.change(message);
  if (message.topic.startsWith("logs:") || message.topic.startsWith("try:"))
    say({ op: "ack", topic: message.topic, seq: message.seq });
}

function say(message: LiveClient): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}
