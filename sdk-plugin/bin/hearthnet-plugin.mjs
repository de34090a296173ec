#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const built = new URL("../dist/cli.mjs", import.meta.url);
if (Number(process.versions.node.split(".")[0]) < 26) {
  process.stderr.write(
    "hearthnet-plugin needs Node 26. In a HearthNet checkout use `npx hearthnet plugin …`, which brings it along.\n",
  );
  process.exit(1);
}
if (!existsSync(fileURLToPath(built))) {
  process.stderr.write("The plugin tools are not built yet. Run `npm run build`.\n");
  process.exit(1);
}
await import(built.href);
