/** What a plugin prints, made harmless: lines of bounded length and rate, no control characters. @source plugin-platform §7, §8.4 */
import type { Readable } from "node:stream";
import type { LogBudget } from "./log-budget.ts";

export const LOG_LINE_MAX = 16_384;
const NEWLINE = 10;
/** Everything that could move a terminal's cursor, colour it or reverse its reading direction. */
const UNPRINTABLE = /[[\p{Cc}\p{Bidi_Control}\u2028\u2029]--[\t]]/gv;

/** So much of a line is handed on beyond what is kept: a secret that lies across the end must be found whole. */
export const LOG_LINE_MARGIN = 4096;

/** Escapes control and direction characters and repairs broken Unicode. */
export function printable(text: string): string {
  return text
    .slice(0, LOG_LINE_MAX)
    .toWellFormed()
    .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export interface LineReader {
  /** Gives out what stands in the last, unfinished line. */
  finish(): void;
}

/**
 * Reads lines from a pipe, as they are; `printable` makes them harmless. Beyond what the budget allows, lines are dropped and counted; the pipe is always read to its end, so that a plugin
 * that floods its log neither blocks nor fills the daemon.
 */
export function readLines(source: Readable, budget: LogBudget, onLine: (line: string) => void): LineReader {
  const decoder = new TextDecoder();
  let rest = "";
  let skipping = false;
  const give = (line: string): void => {
    if (line !== "") onLine(line.slice(0, LOG_LINE_MAX + LOG_LINE_MARGIN));
  };
  source.on("data", (chunk: Uint8Array) => {
    if (!budget.take(chunk.byteLength, budget.isSpent ? 0 : newlines(chunk))) {
      rest = "";
      skipping = true;
      return;
    }
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!skipping) give(line.endsWith("\r") ? line.slice(0, -1) : line);
      skipping = false;
    }
    if (rest.length > LOG_LINE_MAX + LOG_LINE_MARGIN) {
      if (!skipping) give(rest);
      rest = "";
      skipping = true;
    }
  });
  return {
    finish() {
      if (!skipping) give(rest);
      rest = "";
    },
  };
}

function newlines(chunk: Uint8Array): number {
  let count = 0;
  for (const byte of chunk) if (byte === NEWLINE) count += 1;
  return count;
}
