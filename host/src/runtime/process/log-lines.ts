/** What a plugin prints, made harmless: lines of bounded length and rate, no control characters. @source plugin-platform §7, §8.4 */
import type { Readable } from "node:stream";
import type { LogBudget } from "./log-budget.ts";

export const LOG_LINE_MAX = 16_384;
/** Everything that could move a terminal's cursor, colour it or reverse its reading direction. */
const UNPRINTABLE = /[[\p{Cc}\p{Bidi_Control}\u2028\u2029]--[\t]]/gv;

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
 * Reads lines from a pipe. Beyond what the budget allows, lines are dropped and counted; the pipe is always read to its end, so that a plugin
 * that floods its log neither blocks nor fills the daemon.
 */
export function readLines(source: Readable, budget: LogBudget, onLine: (line: string) => void): LineReader {
  const decoder = new TextDecoder();
  let rest = "";
  let skipping = false;
  const give = (line: string): void => {
    if (line !== "") onLine(printable(line));
  };
  source.on("data", (chunk: Uint8Array) => {
    if (!budget.take(chunk.byteLength)) {
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
    if (rest.length > LOG_LINE_MAX) {
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
