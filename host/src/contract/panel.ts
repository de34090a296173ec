/** What a plugin's panel in its frame and the operator's page around it say to each other, by `postMessage`. @source admin-ui §17 */
import type { LocalError } from "./errors.ts";
import type { JsonValue } from "./ids.ts";

export const PANEL_PROTOCOL = "hn.panel.v1";

/** Held by the page and by the host again. */
export const PANEL_LIMITS = {
  /** Of one message, either way. */
  messageBytes: 65_536,
  callsPerSecond: 20,
  /** Without a word after so long the panel counts as broken. */
  readyMs: 3000,
  pingMs: 5000,
  missedPings: 3,
} as const;

export interface PanelLook {
  theme: "light" | "dark";
  /** CSS custom properties of the page by name (`--bg`), with their values. */
  tokens: Record<string, string>;
  /** Of the page: `en`, `de`. */
  language: string;
}

/** From the frame. */
export type PanelRequest =
  | { protocol: typeof PANEL_PROTOCOL; method: "ready" }
  | { protocol: typeof PANEL_PROTOCOL; method: "resize"; params: { height: number } }
  | { protocol: typeof PANEL_PROTOCOL; method: "toast"; params: { text: string } }
  | { protocol: typeof PANEL_PROTOCOL; method: "pong"; params: { n: number } }
  | { protocol: typeof PANEL_PROTOCOL; method: "call"; id: number; params: { method: string; input: JsonValue } };

/** To the frame. */
export type PanelReply =
  | { protocol: typeof PANEL_PROTOCOL; method: "theme"; params: PanelLook }
  | { protocol: typeof PANEL_PROTOCOL; method: "ping"; params: { n: number } }
  | { protocol: typeof PANEL_PROTOCOL; id: number; result: JsonValue }
  | { protocol: typeof PANEL_PROTOCOL; id: number; error: LocalError };

/** Answer to opening a panel: where its frame finds it. */
export interface PanelVisit {
  /** Address of the entry, on the panels' own host, under a path that nobody guesses. */
  src: string;
  /** Names the visit in calls. */
  visit: string;
}
