import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The built runner, from the built and from the source form of this file. @throws Error when it is not built */
export function findRunner(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let at = start; at !== dirname(at); at = dirname(at)) {
    const candidate = join(at, "dist", "runner.cjs");
    if (existsSync(candidate) && existsSync(join(at, "package.json"))) return candidate;
  }
  throw new Error("The SDK is not built: dist/runner.cjs is missing. In a HearthNet checkout run `npm run build`.");
}
