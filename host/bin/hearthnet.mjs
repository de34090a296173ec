#!/usr/bin/env node
import { join } from "node:path";
import { ROOT, runPinned } from "../runtime.mjs";

// A node runs for months: it makes do with a quarter of the memory that Node would keep for what is new. A command is over before that matters.
const runsLong = process.argv.includes("up");
const flags = runsLong ? ["--max-semi-space-size=4"] : [];
// The C library would give each of Node's threads memory of its own, and keep what a large file took of it.
const environment = runsLong ? { MALLOC_ARENA_MAX: "2" } : {};
await runPinned(join(ROOT, "host/dist/main.mjs"), flags, environment);
