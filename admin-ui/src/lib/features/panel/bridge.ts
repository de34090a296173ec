import {
  PANEL_LIMITS,
  PANEL_PROTOCOL,
  type JsonValue,
  type LocalError,
  type PanelLook,
  type PanelReply,
} from "@hearthnet/host/contract";

/** `silent`: never began, or stopped answering. `flooded`: sent more than a page can be asked to read; it is shut for good. */
export type PanelState = "starting" | "ready" | "silent" | "flooded";

export interface PanelBridgeOptions {
  /** The frame's own window; nobody else's messages are read, and nobody else is answered. */
  frame: () => Window | null;
  call: (method: string, input: JsonValue) => Promise<JsonValue>;
  errorOf: (thrown: unknown) => LocalError;
  look: () => PanelLook;
  onState: (state: PanelState) => void;
  onHeight: (pixels: number) => void;
  onToast: (text: string) => void;
}

/** Messages of any kind in one second beyond which a frame is shut: reading them is what makes a page slow. */
const FLOOD = 400;
const TOAST_MAX = 120;
const TOAST_EVERY_MS = 1000;
const HEIGHT = { min: 80, max: 4000 };

/** Stands between a plugin's frame and the page: what it does not know, or too much of it, is dropped. @source admin-ui §17 "Bridge" */
export class PanelBridge {
  readonly #o: PanelBridgeOptions;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #state: PanelState = "starting";
  #second = { start: 0, messages: 0 };
  #tokens: { left: number; at: number } = { left: PANEL_LIMITS.callsPerSecond * 2, at: 0 };
  #asked = 0;
  #unanswered = 0;
  #lastToast = Number.NEGATIVE_INFINITY;

  constructor(options: PanelBridgeOptions) {
    this.#o = options;
    addEventListener("message", this.#receive);
    this.#timers.push(setTimeout(() => this.#state === "starting" && this.#become("silent"), PANEL_LIMITS.readyMs));
    this.#timers.push(setInterval(() => this.#ping(), PANEL_LIMITS.pingMs));
  }

  close(): void {
    removeEventListener("message", this.#receive);
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Theme, colours or language of the page have changed. */
  show(): void {
    this.#say({ protocol: PANEL_PROTOCOL, method: "theme", params: this.#o.look() });
  }

  readonly #receive = ({ source, data }: MessageEvent<unknown>): void => {
    if (source === null || source !== this.#o.frame() || this.#state === "flooded") return;
    const now = performance.now();
    if (now - this.#second.start >= 1000) this.#second = { start: now, messages: 0 };
    this.#second.messages += 1;
    if (this.#second.messages > FLOOD) return this.#become("flooded");
    if (!isObject(data) || data["protocol"] !== PANEL_PROTOCOL) return;
    const params = isObject(data["params"]) ? data["params"] : {};
    switch (data["method"]) {
      case "ready":
        this.#become("ready");
        return this.show();
      case "pong":
        if (params["n"] !== this.#asked) return;
        this.#unanswered = 0;
        return this.#state === "silent" ? this.#become("ready") : undefined;
      case "resize":
        return this.#resize(params["height"]);
      case "toast":
        return this.#toast(params["text"], now);
      case "call":
        return void this.#call(data["id"], params, now);
      default:
    }
  };

  async #call(id: unknown, params: Record<string, unknown>, now: number): Promise<void> {
    if (typeof id !== "number" || !Number.isSafeInteger(id)) return;
    const { method, input = null } = params;
    const refusal = this.#refusal(method, input, now);
    if (refusal !== null) return this.#say({ protocol: PANEL_PROTOCOL, id, error: refusal });
    try {
      const result = await this.#o.call(method as string, input as JsonValue);
      this.#say({ protocol: PANEL_PROTOCOL, id, result });
    } catch (error) {
      this.#say({ protocol: PANEL_PROTOCOL, id, error: this.#o.errorOf(error) });
    }
  }

  #refusal(method: unknown, input: unknown, now: number): LocalError | null {
    const { callsPerSecond, messageBytes } = PANEL_LIMITS;
    const left = Math.min(callsPerSecond * 2, this.#tokens.left + ((now - this.#tokens.at) / 1000) * callsPerSecond);
    this.#tokens = { left: Math.max(0, left - 1), at: now };
    if (left < 1)
      return {
        error: "rate_limited",
        message: `A panel asks at most ${callsPerSecond} times a second.`,
        retry_after_ms: Math.ceil(((1 - left) / callsPerSecond) * 1000),
      };
    if (typeof method !== "string" || method.length > 64)
      return { error: "bad_request", message: "A method is named by a text." };
    const size = sizeOf(input);
    if (size === null) return { error: "bad_request", message: "What a panel sends must be JSON." };
    if (size > messageBytes)
      return { error: "bad_request", reason: "too_large", message: "A panel sends at most 64 KiB at once." };
    return null;
  }

  #resize(height: unknown): void {
    if (typeof height !== "number" || !Number.isFinite(height)) return;
    this.#o.onHeight(Math.round(Math.min(HEIGHT.max, Math.max(HEIGHT.min, height))));
  }

  #toast(text: unknown, now: number): void {
    if (typeof text !== "string" || text === "" || now - this.#lastToast < TOAST_EVERY_MS) return;
    this.#lastToast = now;
    this.#o.onToast(text.replaceAll(/[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069]/gu, " ").slice(0, TOAST_MAX));
  }

  #ping(): void {
    if (this.#state === "starting" || this.#state === "flooded") return;
    this.#unanswered += 1;
    if (this.#unanswered > PANEL_LIMITS.missedPings) this.#become("silent");
    this.#asked += 1;
    this.#say({ protocol: PANEL_PROTOCOL, method: "ping", params: { n: this.#asked } });
  }

  #become(state: PanelState): void {
    if (this.#state === state || this.#state === "flooded") return;
    this.#state = state;
    this.#unanswered = 0;
    this.#o.onState(state);
  }

  /** A frame without an origin cannot be named as receiver; only its own window is spoken to. */
  #say(message: PanelReply): void {
    this.#o.frame()?.postMessage(message, "*");
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Bytes as JSON; null when it is none. */
function sizeOf(value: unknown): number | null {
  try {
    const text = JSON.stringify(value);
    return text === undefined ? null : new TextEncoder().encode(text).byteLength;
  } catch {
    return null;
  }
}
