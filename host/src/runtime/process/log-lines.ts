/** What a plugin prints, made harmless: lines of bounded length and rate, no control characters. @source plugin-platform §7, §8.4 */
import type { Readable } from "node:stream";
import type { Clock } from "../../contract/index.ts";

export const LOG_LINE_MAX = 16_384;
const BYTES_PER_MINUTE = 5_000_000;
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
 * Reads lines from a pipe. Beyond 5 MB a minute, lines are dropped and counted; the pipe is always read to its end, so that a plugin that
 * floods its log neither blocks nor fills the daemon.
 */
export function readLines(source: Readable, clock: Clock, onLine: (line: string) => void): LineReader {
  const decoder = new TextDecoder();
  let rest = "";
  let skipping = false;
  let minuteStart = clock.monotonic();
  let bytes = 0;
  let dropped = 0;
  const give = (line: string): void => {
    if (line !== "") onLine(printable(line));
  };
  const report = (): void => {
    if (dropped > 0) onLine(`(${dropped} bytes of output dropped: more than ${BYTES_PER_MINUTE / 1e6} MB in a minute)`);
    dropped = 0;
  };
  source.on("data", (chunk: Uint8Array) => {
    const now = clock.monotonic();
    if (now - minuteStart >= 60_000) {
      minuteStart = now;
      bytes = 0;
      report();
    }
    bytes += chunk.byteLength;
    if (bytes > BYTES_PER_MINUTE) {
      dropped += chunk.byteLength;
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
      report();
    },
  };
}
