import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import adapter from "@sveltejs/adapter-static";
import { sveltekit } from "@sveltejs/kit/vite";
import { defaultClientConditions, defaultServerConditions, defineConfig } from "vite";

/** The theme script of the shell runs before first paint; the policy names it by hash. */
const shell = readFileSync(new URL("src/app.html", import.meta.url), "utf8");
const inline = /<script>([\s\S]*?)<\/script>/.exec(shell)?.[1] ?? "";
const hash = createHash("sha256").update(inline).digest("base64");

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter({ pages: "build", assets: "build", fallback: "200.html", precompress: true }),
      csp: { mode: "hash", directives: { "script-src": ["self", `sha256-${hash}`] } },
      paths: { relative: false },
      version: { pollInterval: 0 },
    }),
  ],
  // The shared shapes and tables are read from their source, so the page needs no built host.
  resolve: { conditions: ["hearthnet-source", ...defaultClientConditions] },
  ssr: { resolve: { conditions: ["hearthnet-source", ...defaultServerConditions] } },
  build: { target: "es2024", assetsInlineLimit: 0 },
});
