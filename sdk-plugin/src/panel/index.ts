/**
 * What the author of a panel imports: the way from its frame to the plugin, and the look of the page around it. Runs in a browser, without
 * cookies, network or the page's rights.
 *
 * @example
 * import { panel } from "@hearthnet/sdk-plugin/panel";
 * const notes = await panel.call<string[]>("notes", { newest: 10 });
 * panel.onTheme(({ language }) => (document.title = language === "de" ? "Zettel" : "Notes"));
 */
import type { JsonValue, LocalError, PanelLook, PanelReply, PanelRequest } from "@hearthnet/host/contract";
import { BASE_STYLE } from "./style.ts";

export type { PanelLook } from "@hearthnet/host/contract";

const PROTOCOL = "hn.panel.v1";
const ANSWER_MS = 35_000;

/** A refusal: `code` and `reason` as in the table of errors. */
export class PanelError extends Error {
  readonly code: string;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(error: Partial<LocalError>) {
    super(error.message ?? "The plugin did not answer.");
    this.name = "PanelError";
    this.code = error.error ?? "internal_error";
    this.reason = error.reason;
    this.retryAfterMs = error.retry_after_ms;
  }
}

export interface Panel {
  /** Asks the plugin's `panel.methods[method]`; at most 20 times a second and 64 KiB each way. @throws PanelError */
  call<T = JsonValue>(method: string, input?: JsonValue): Promise<T>;
  /** Theme, colours and language, now and after every change. @returns ends it */
  onTheme(listener: (look: PanelLook) => void): () => void;
  /** What the page shows; null until it has said so. */
  readonly look: PanelLook | null;
  /** The frame's height, pixels; without it the frame follows its content. */
  resize(height: number): void;
  /** One short line that the page shows beside the frame and reads out. */
  toast(text: string): void;
}

interface Waiting {
  resolve: (value: never) => void;
  reject: (error: PanelError) => void;
  timer: ReturnType<typeof setTimeout>;
}

const waiting = new Map<number, Waiting>();
const listeners = new Set<(look: PanelLook) => void>();
let look: PanelLook | null = null;
let last = 0;
let fixed = false;
let told = 0;

/** What a script says while its page is still being read; null once it hears answers. */
let early: PanelRequest[] | null = [];

/** The page's origin cannot be named from here; it is the only window that frames this one. */
function say(message: PanelRequest): void {
  if (early !== null) early.push(message);
  else window.parent.postMessage(message, "*");
}

function receive({ source, data }: MessageEvent<unknown>): void {
  if (source !== window.parent || typeof data !== "object" || data === null) return;
  const reply = data as PanelReply;
  if (reply.protocol !== PROTOCOL) return;
  if ("id" in reply) return settle(reply);
  if (reply.method === "ping") return say({ protocol: PROTOCOL, method: "pong", params: reply.params });
  look = reply.params;
  wear(look);
  for (const listener of listeners) listener(look);
}

function settle(reply: Extract<PanelReply, { id: number }>): void {
  const one = waiting.get(reply.id);
  if (one === undefined) return;
  waiting.delete(reply.id);
  clearTimeout(one.timer);
  if ("error" in reply) one.reject(new PanelError(reply.error));
  else one.resolve(reply.result as never);
}

function wear({ theme, tokens, language }: PanelLook): void {
  const { style } = document.documentElement;
  for (const [name, value] of Object.entries(tokens)) if (name.startsWith("--")) style.setProperty(name, value);
  style.setProperty("color-scheme", theme);
  document.documentElement.lang = language;
}

function measure(): void {
  const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
  if (fixed || height === told) return;
  told = height;
  say({ protocol: PROTOCOL, method: "resize", params: { height } });
}

export const panel: Panel = {
  call: (method, input = null) =>
    new Promise((resolve, reject) => {
      last += 1;
      const id = last;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new PanelError({ error: "timeout", message: "The plugin did not answer in time." }));
      }, ANSWER_MS);
      waiting.set(id, { resolve, reject, timer });
      say({ protocol: PROTOCOL, method: "call", id, params: { method, input } });
    }),
  onTheme(listener) {
    listeners.add(listener);
    if (look !== null) listener(look);
    return () => void listeners.delete(listener);
  },
  get look() {
    return look;
  },
  resize(height) {
    fixed = true;
    say({ protocol: PROTOCOL, method: "resize", params: { height } });
  },
  toast: (text) => say({ protocol: PROTOCOL, method: "toast", params: { text } }),
};

function start(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(BASE_STYLE);
  // First in the list, so that whatever the panel says itself counts more.
  document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];
  addEventListener("message", receive);
  new ResizeObserver(measure).observe(document.documentElement);
  const waited = early ?? [];
  early = null;
  say({ protocol: PROTOCOL, method: "ready" });
  for (const message of waited) say(message);
}

if (document.readyState === "loading") addEventListener("DOMContentLoaded", start, { once: true });
else start();
