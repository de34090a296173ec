#!/usr/bin/env node
import { join } from "node:path";
import { ROOT, runPinned } from "../runtime.mjs";

await runPinned(join(ROOT, "host/dist/main.mjs"));
