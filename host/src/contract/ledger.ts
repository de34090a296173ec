/** The ledger: who asked for what, and what came of it, in rows that nobody can change unseen. @source plugin-platform §8 */
import type { NodeId, Signature, Time } from "./ids.ts";

export type LedgerOutcome = "allow" | "deny" | "simulate" | "quota";

/** One wish as a room reports it; what is left out is nothing. */
export interface LedgerEntry {
  /** Empty where no plugin is concerned. */
  plugin: string;
  release: string;
  op: string;
  permission: string;
  /** Capability, `host:port`, event type, first 12 hex digits of a CID; never a body, a query or a secret. */
  target: string;
  verdict: LedgerOutcome;
  bytesIn?: number;
  bytesOut?: number;
  trace?: string;
  /** By which of the plugin's own doors the wish came. */
  via?: "panel";
}

/** One row, or several equal ones of one second: `count` says how many. */
export interface LedgerRow {
  seq: number;
  /** Unix milliseconds. */
  at: number;
  plugin: string;
  release: string;
  op: string;
  permission: string;
  target: string;
  bytes_in: number;
  bytes_out: number;
  count: number;
  verdict: LedgerOutcome;
  trace: string;
  /** `panel`, or empty: nobody but the plugin itself, or its callers. */
  via: string;
  /** Hash of the row before, hex. */
  prev: string;
}

/** The host's word that row `seq` has this hash; the first and the last of every segment have one. */
export interface LedgerHead {
  type: "hearthnet.ledger.v1";
  seq: number;
  hash: string;
  at: Time;
}

/** Without a signature where the host has no key, as in tests of plugins. */
export type SignedLedgerHead = LedgerHead & { signature?: Signature };

/** Which rows to show; what is left out does not matter. */
export interface LedgerFilter {
  plugin?: string;
  op?: string;
  verdict?: LedgerOutcome;
  /** Unix milliseconds, the first to show. */
  since?: number;
  /** Only rows below this number, or above. */
  before?: number;
  after?: number;
  /** 1 to 500. */
  limit: number;
}

export type LedgerFaultKind = "edited" | "missing" | "moved" | "head_absent" | "head_forged" | "unreadable";

/** What a check of the chain has found. */
export interface LedgerCheck {
  ok: boolean;
  /** Whose signatures were asked for. */
  node_id: NodeId;
  rows: number;
  /** Numbers of the first and the last row that hold; 0 when there is none. */
  first: number;
  last: number;
  /** The first row with which something is wrong. */
  fault?: { seq: number; kind: LedgerFaultKind };
}

/** One line of an export: whose it is, then per segment its first head, its rows and its last head. */
export type LedgerLine =
  | { ledger: "hearthnet.ledger.v1"; node_id: NodeId }
  | { head: SignedLedgerHead; ends: boolean }
  | { row: LedgerRow; hash: string };
