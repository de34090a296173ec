/**
 * Runs every test file with Node's own runner and says at the end how many passed.
 * Usage: run.ts [--e2e] [path or part of a path]…
 */
import { globSync } from "node:fs";
import { join, relative } from "node:path";
import { run } from "node:test";
import { inspect } from "node:util";
import { attackTable, rowIn, type AttackRow } from "./security/attacks/report.ts";

const ROOT = join(import.meta.dirname, "..");
const e2e = process.argv.includes("--e2e");
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const HOUSES = ["host", "sdk-plugin", "registry", "plugins/*"].map((house) => `${house}/test/**/*.test.ts`);
const PATTERNS = e2e ? ["test/e2e/**/*.test.ts"] : [...HOUSES, "test/!(e2e)/**/*.test.ts"];
const FILE_LIMIT_MS = 600_000;

const files = globSync(PATTERNS, { cwd: ROOT, exclude: (name) => name === "node_modules" })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => join(ROOT, file));

const count = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];
const skips: string[] = [];
const attacks: AttackRow[] = [];
const times: { file: string; seconds: number }[] = [];
/** Files that took longest, named so that whoever waits knows what for. */
const SLOWEST = 8;
// Every file and every child compiles the same modules: with what the first has kept the others start in half the time.
process.env["NODE_COMPILE_CACHE"] ??= join(ROOT, "node_modules", ".cache", "hearthnet-tests");
/** Three files at a time keep two processors busy. Attacks are judged by what their neighbours feel, so they are given more room. */
const isAttack = (file: string): boolean => file.includes("/test/security/");
const batches = e2e
  ? [{ files, concurrency: 1 }]
  : [
      { files: files.filter((file) => !isAttack(file)), concurrency: 3 },
      { files: files.filter(isAttack), concurrency: 2 },
    ];
for (const batch of batches) if (batch.files.length > 0) await runAll(batch);

async function runAll(batch: { files: string[]; concurrency: number }): Promise<void> {
  const events = run({
    ...batch,
    timeout: FILE_LIMIT_MS,
    execArgv: ["--conditions=hearthnet-source", "--no-warnings"],
    cwd: ROOT,
  });

  events.on("test:pass", ({ name, file, skip, details }) => {
    if (details.type === "suite") return;
    if (skip === undefined || skip === false) count.passed++;
    else {
      count.skipped++;
      skips.push(`skipped: ${typeof skip === "string" ? skip : "no reason given"} - ${where(file)} ${name}`);
    }
  });
  events.on("test:fail", ({ name, file, details }) => {
    // A suite fails because a test inside it did, which is counted already.
    const { failureType, cause } = details.error as { failureType?: string; cause?: unknown };
    if (details.type === "suite" && failureType === "subtestsFailed") return;
    count.failed++;
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause ?? details.error.message);
    failures.push(`✖ ${where(file)}: ${name}\n${text.split("\n").slice(0, 12).join("\n")}`);
    process.stdout.write(`✖ ${where(file)}: ${name}\n`);
  });
  events.on("test:stdout", ({ message }) => {
    for (const line of message.split("\n")) {
      if (line.startsWith("figure: ")) process.stdout.write(`${line}\n`);
      const row = rowIn(line);
      if (row !== null) attacks.push(row);
    }
  });
  events.on("test:summary", ({ file, duration_ms }) => {
    if (file !== undefined) times.push({ file: where(file), seconds: Math.round(duration_ms / 1000) });
  });
  for await (const _ of events);
}

function where(file: string | undefined): string {
  return file === undefined ? "" : relative(ROOT, file);
}

const slowest = times.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
if (times.length > SLOWEST)
  process.stdout.write(`slowest: ${slowest.map(({ file, seconds }) => `${file} ${seconds} s`).join(", ")}\n`);
if (attacks.length > 0) process.stdout.write(`${attackTable(attacks).join("\n")}\n`);
for (const line of [...skips, ...failures]) process.stdout.write(`${line}\n`);
if (files.length === 0) process.stdout.write("There is no such test file.\n");
const strict = process.env["HN_FAIL_ON_SKIP"] === "1" && count.skipped > 0;
if (strict) process.stdout.write("A skipped test counts as failed here.\n");
process.stdout.write(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}\n`);
process.exit(count.failed > 0 || files.length === 0 || strict ? 1 : 0);
