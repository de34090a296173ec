/**
 * Measures text recognition: character errors, and the same pages through Debian's `tesseract` with the same language data.
 * @example
 * const rows = await compareWithTesseract({ pages, tessdata, read: (page) => engine.read(page.image, …).then((r) => r.text) });
 * console.log(formatComparison(rows));
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import type { OcrPage, PageKind } from "../fixtures/ocr-pages.ts";

/** Share of characters that must be changed, added or removed, in per cent of the truth; white space counts as one blank. */
export function characterErrorRate(truth: string, got: string): number {
  const clean = (text: string): string[] => [...text.normalize("NFC").replace(/\s+/g, " ").trim()];
  const wanted = clean(truth);
  const found = clean(got);
  let row = Array.from({ length: found.length + 1 }, (_, index) => index);
  for (const [i, character] of wanted.entries()) {
    const next = [i + 1];
    for (let j = 1; j <= found.length; j++) {
      const swap = (row[j - 1] ?? 0) + (character === found[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    row = next;
  }
  return (100 * (row[found.length] ?? 0)) / wanted.length;
}

export interface Comparison {
  language: string;
  kind: PageKind;
  pages: number;
  /** Mean character error in per cent. */
  cer: number;
  baselineCer: number;
  /** Mean seconds a page. */
  seconds: number;
  baselineSeconds: number;
  /** seconds / baselineSeconds */
  ratio: number;
}

export interface ComparisonOrder {
  pages: OcrPage[];
  /** Gzipped language data by ISO 639-2/T code, handed to both. */
  tessdata: Record<string, Uint8Array>;
  read(page: OcrPage): Promise<string>;
}

/**
 * Reads every page with `read` and right after it with `tesseract` (one thread), so that both see the same load of the machine.
 * @returns   one row for each language and kind; null when Debian's program is not installed
 */
export async function compareWithTesseract(order: ComparisonOrder): Promise<Comparison[] | null> {
  const run = promisify(execFile);
  const env = { ...process.env, OMP_THREAD_LIMIT: "1" };
  if (!(await run("tesseract", ["--version"]).then(Boolean, () => false))) return null;
  const folder = await mkdtemp(join(tmpdir(), "hn-tessdata-"));
  const rows = new Map<string, Comparison>();
  try {
    for (const [language, data] of Object.entries(order.tessdata)) {
      await writeFile(join(folder, `${language}.traineddata`), gunzipSync(data));
    }
    for (const page of order.pages) {
      const file = join(folder, page.name);
      await writeFile(file, page.image);
      const [text, seconds] = await timed(() => order.read(page));
      const args = [file, "-", "--tessdata-dir", folder, "-l", page.language];
      const [baseline, baselineSeconds] = await timed(() =>
        run("tesseract", args, { env, timeout: 120_000 }).then((result) => result.stdout),
      );
      const key = `${page.language} ${page.kind}`;
      const row = rows.get(key) ?? emptyRow(page);
      rows.set(key, row);
      row.pages++;
      row.cer += characterErrorRate(page.truth, text);
      row.baselineCer += characterErrorRate(page.truth, baseline);
      row.seconds += seconds;
      row.baselineSeconds += baselineSeconds;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return [...rows.values()].map((row) => ({
    ...row,
    cer: row.cer / row.pages,
    baselineCer: row.baselineCer / row.pages,
    seconds: row.seconds / row.pages,
    baselineSeconds: row.baselineSeconds / row.pages,
    ratio: row.seconds / row.baselineSeconds,
  }));
}

/** The rows as a table for people. */
export function formatComparison(rows: Comparison[]): string {
  const line = (row: Comparison): string =>
    `${row.language} ${row.kind.padEnd(6)}  ${row.cer.toFixed(2).padStart(6)} %  ${row.baselineCer.toFixed(2).padStart(6)} %  ` +
    `${row.seconds.toFixed(2).padStart(5)} s  ${row.baselineSeconds.toFixed(2).padStart(5)} s  ${row.ratio.toFixed(2)}`;
  return ["page        CER ours  tesseract   ours  tesseract  ratio", ...rows.map(line)].join("\n");
}

function emptyRow(page: OcrPage): Comparison {
  return { language: page.language, kind: page.kind, pages: 0, cer: 0, baselineCer: 0, seconds: 0, baselineSeconds: 0, ratio: 0 };
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const value = await work();
  return [value, (performance.now() - start) / 1000];
}
