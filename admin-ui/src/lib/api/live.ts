import type { LiveClient, LiveServer, LocalError, SessionEnd } from "@hearthnet/host/contract";
import { writable, type Readable } from "svelte/store";
import { get } from "./client.ts";

export type LiveState = "idle" | "connecting" | "open" | "lost";
/** `snapshot` carries everything, `change` one step, `end` the last one; after a `gap` the reader must ask the node anew. */
export type LiveMessage = Extract<LiveServer, { seq: number }>;

export interface Watcher {
  change: (message: LiveMessage) => void;
  refused?: (error: LocalError) => void;
}

interface Topic {
  watchers: Set<Watcher>;
  seq: number | undefined;
}

const ENDS: readonly SessionEnd[] = ["signed_out", "expired", "reset"];
const RETRY_FIRST_MS = 500;
const RETRY_LONGEST_MS = 15_000;

const topics = new Map<string, Topic>();
const state = writable<{ state: LiveState; since: number }>({ state: "idle", since: 0 });
/** Whether the page hears the node, and since when (Unix milliseconds). */
export const liveState: Readable<{ state: LiveState; since: number }> = { subscribe: state.subscribe };

const backListeners = new Set<() => void>();
let socket: WebSocket | null = null;
let epoch: string | undefined;
let attempt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let onSignedOut: (why: SessionEnd | null) => void = () => {};

/** @param listener   hears why, where the node has said so */
export function whenSignedOut(listener: (why: SessionEnd | null) => void): void {
  onSignedOut = listener;
}

/** Hears when the node is back after it was gone: what was read before may have changed meanwhile. */
export function whenBack(listener: () => void): () => void {
  backListeners.add(listener);
  return () => backListeners.delete(listener);
}

/** Watches one topic of the node until the returned function is called. */
export function watch(topic: string, watcher: Watcher): () => void {
  let entry = topics.get(topic);
  if (entry === undefined) topics.set(topic, (entry = { watchers: new Set(), seq: undefined }));
  else if (entry.watchers.size > 0) {
    // One subscription serves all; the newcomer gets its beginning by a new one.
    say({ op: "unsub", topic });
    entry.seq = undefined;
  }
  entry.watchers.add(watcher);
  if (socket === null) connect();
  else subscribe(topic, entry);
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
  const old = socket;
  socket = null;
  old?.close(1000);
  topics.clear();
  epoch = undefined;
  attempt = 0;
  move("idle");
}

function move(next: LiveState): void {
  state.update((now) => (now.state === next ? now : { state: next, since: Date.now() }));
}

function connect(): void {
  clearTimeout(timer);
  if (attempt === 0) move("connecting");
  const next = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/live`, "hearthnet-admin.v1");
  socket = next;
  let opened = false;
  next.onopen = () => {
    const wasGone = attempt > 0;
    opened = true;
    attempt = 0;
    move("open");
    for (const [topic, entry] of topics) subscribe(topic, entry);
    if (wasGone) for (const listener of backListeners) listener();
  };
  next.onmessage = (event: MessageEvent<string>) => receive(JSON.parse(event.data) as LiveServer);
  next.onclose = (event) => {
    if (socket !== next) return;
    socket = null;
    if (event.code === 4401) return onSignedOut(ENDS.find((end) => end === event.reason) ?? null);
    if (topics.size === 0) return move("idle");
    move("lost");
    // A browser does not tell a refused socket from a silent node; a node that answers this, but not with yes, has sent us away.
    if (!opened) void get("/session").catch(() => {});
    // Many pages must not come back in the same instant.
    const wait = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** attempt++) * (0.75 + Math.random() / 2);
    timer = setTimeout(connect, wait);
  };
}

function subscribe(topic: string, entry: Topic): void {
  say({
    op: "sub",
    topic,
    ...(entry.seq === undefined ? {} : { since: entry.seq }),
    ...(epoch === undefined ? {} : { epoch }),
  });
}

function receive(message: LiveServer): void {
  if ("op" in message) {
    if (message.op === "ping") return say({ op: "pong" });
    for (const watcher of topics.get(message.topic)?.watchers ?? []) watcher.refused?.(message.error);
    return;
  }
  const entry = topics.get(message.topic);
  if (entry === undefined) return;
  epoch = message.epoch;
  entry.seq = message.seq;
  for (const watcher of entry.watchers) watcher.change(message);
  if (message.topic.startsWith("logs:") || message.topic.startsWith("try:"))
    say({ op: "ack", topic: message.topic, seq: message.seq });
}

function say(message: LiveClient): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}
