import type { LedgerCheck, LedgerLine, NodeId } from "../../contract/index.ts";
import { parseStrictJson } from "../../foundation/index.ts";
import { isNodeId } from "../../identity/index.ts";
import { LedgerChecker } from "./check.ts";

const LINE_MAX_BYTES = 16_384;
const TEXTS = ["plugin", "release", "op", "permission", "target", "verdict", "trace", "via", "prev"];
const NUMBERS = ["seq", "at", "bytes_in", "bytes_out", "count"];

/** One JSON object a line, as `hearthnet audit export` writes it. */
export function writeLedgerLine(line: LedgerLine): string {
  return `${JSON.stringify(line)}\n`;
}

/**
 * Checks an export line by line, however long it is.
 * @param o.nodeId  whose ledger it must be; by default the one it names itself
 * @returns what was found; `null` for a file that is no export at all, or another node's
 */
export async function checkLedgerLines(
  lines: AsyncIterable<string>,
  o: { nodeId?: NodeId },
): Promise<{ check: LedgerCheck } | { check: null; of: NodeId | null }> {
  let checker: LedgerChecker | undefined;
  for await (const text of lines) {
    if (text === "") continue;
    const line = parseLine(text);
    if (checker === undefined) {
      if (line === null || !("ledger" in line)) return { check: null, of: null };
      if (o.nodeId !== undefined && o.nodeId !== line.node_id) return { check: null, of: line.node_id };
      checker = new LedgerChecker({ nodeId: line.node_id, signed: true });
    } else if (line === null || "ledger" in line) {
      checker.refuse();
      break;
    } else if (!checker.take(line)) break;
  }
  return checker === undefined ? { check: null, of: null } : { check: checker.finish({ whole: false }) };
}

function parseLine(text: string): LedgerLine | null {
  try {
    const line = parseStrictJson(Buffer.from(text), { maxBytes: LINE_MAX_BYTES, maxDepth: 4 }) as Record<string, unknown>;
    return isHeader(line) || isHeadLine(line) || isRowLine(line) ? (line as unknown as LedgerLine) : null;
  } catch {
    return null;
  }
}

function isHeader({ ledger, node_id }: Record<string, unknown>): boolean {
  return ledger === "hearthnet.ledger.v1" && typeof node_id === "string" && isNodeId(node_id);
}

function isHeadLine({ head, ends }: Record<string, unknown>): boolean {
  if (!isObject(head) || typeof ends !== "boolean") return false;
  return isWhole(head["seq"]) && ["type", "hash", "at"].every((name) => typeof head[name] === "string");
}

function isRowLine({ row, hash }: Record<string, unknown>): boolean {
  if (!isObject(row) || typeof hash !== "string") return false;
  return (
    Object.keys(row).length === TEXTS.length + NUMBERS.length &&
    TEXTS.every((name) => typeof row[name] === "string") &&
    NUMBERS.every((name) => isWhole(row[name]))
  );
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
