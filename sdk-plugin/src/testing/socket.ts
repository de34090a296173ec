/** A WebSocket on a route of the plugin under test, as the node would hand it over. */
import type { SocketEnd, SocketMessage } from "@hearthnet/host/contract";
import type { PluginHost } from "@hearthnet/host/plugin-host";
import { HnError } from "../error.ts";
import { routeRequest } from "./doors.ts";
import type { SocketAsk, TestSocket } from "./options.ts";

const WAIT_MS = 5000;

/** @param path  of a `GET` route with `ws` @throws HnError not_found when no such route is open */
export function openTestSocket(host: PluginHost, path: string, ask: SocketAsk): TestSocket {
  const match = host.mounts.find("GET", path);
  const socket = match?.route.socket;
  if (match === undefined || socket === undefined)
    throw new HnError("not_found", { message: `No WebSocket is open at ${path}.` });
  const { protocol = socket.protocols[0] ?? null, signal: outer, ...rest } = ask;
  const left = new AbortController();
  const signal = outer === undefined ? left.signal : AbortSignal.any([outer, left.signal]);
  const sent = new Queue<SocketMessage>();
  const heard = new Queue<SocketMessage>();
  const request = routeRequest(host, { match, path, ask: { ...rest, signal } });
  const talk = socket.talk(request, { protocol, incoming: sent });
  const closed = listen(talk, heard).finally(() => {
    sent.end();
    heard.end();
  });
  closed.catch(() => undefined);
  return {
    closed,
    send: (message) => sent.push(message),
    next: () => heard.next(),
    async close() {
      sent.end();
      return closed;
    },
    leave: () => left.abort(new HnError("timeout", { message: "The test has left the WebSocket." })),
  };
}

async function listen(talk: AsyncGenerator<SocketMessage, SocketEnd, void>, heard: Queue<SocketMessage>): Promise<SocketEnd> {
  for (;;) {
    const step = await talk.next();
    if (step.done === true) return step.value;
    heard.push(step.value);
  }
}

/** First in, first out; read once. */
class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** @returns undefined at the end @throws Error when nothing comes for 5 s */
  async next(): Promise<T | undefined> {
    const timer = AbortSignal.timeout(WAIT_MS);
    while (this.#items.length === 0 && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      timer.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      if (timer.aborted && this.#items.length === 0) throw new Error("The plugin has sent nothing for 5 s.");
    }
    return this.#items.shift();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
