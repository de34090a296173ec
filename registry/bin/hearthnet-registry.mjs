#!/usr/bin/env node
import { join } from "node:path";
import { ROOT, runPinned } from "../../host/runtime.mjs";

await runPinned(join(ROOT, "registry/dist/cli.mjs"));
