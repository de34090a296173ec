#!/usr/bin/env node
import { join } from "node:path";
import { ROOT, runPinned } from "../runtime.mjs";

// A node runs for months: it makes do with a quarter of the memory that Node would keep for what is new. A command is over before that matters.
const flags = process.argv.includes("up") ? ["--max-semi-space-size=4"] : [];
await runPinned(join(ROOT, "host/dist/main.mjs"), flags);
