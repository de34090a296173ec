import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import adapter from "@sveltejs/adapter-static";
import { sveltekit } from "@sveltejs/kit/vite";
import { defaultClientConditions, defaultServerConditions, defineConfig } from "vite";

/** The theme script of the shell runs before first paint; the policy names it by hash. */
const shell = readFileSync(new URL("src/app.html", import.meta.url), "utf8");
const inline = /<script>([\s\S]*?)<\/script>/.exec(shell)?.[1] ?? "";
const hash = createHash("sha256").update(inline).digest("base64");

/**
 * What the first lines of the page need. Kit's first module is handed the page's version and base, which its others read once, when they are
 * loaded: none of them may come with this piece.
 */
const START = [/^\0(rolldown|vite)\//, /\/runtime\/client\/payload\.js$/];
/** What the shell or most pages use: Svelte, Kit, our own parts and styles. Not the catalogues, of which a reader needs one. */
const FRAME = [
  /node_modules\/(svelte|esm-env|clsx|@lucide\/svelte)\//,
  /\/src\/app\.css$/,
  /\/src\/lib\/(api|state|ui)\//,
  /\/src\/lib\/features\/(CallTable|Confinement|JobProgress)\.svelte/,
  /\/src\/lib\/i18n\/(format|locale\.svelte|plural)\.ts$/,
  /\/host\/src\/contract\//,
];
const group = (name: string, parts: RegExp[]): { name: string; test: (id: string) => boolean } => ({
  name,
  test: (id) => parts.some((part) => part.test(id)),
});

export default defineConfig({
  plugins: [
    sveltekit({
      adapter: adapter({ pages: "build", assets: "build", fallback: "200.html", precompress: true }),
      csp: { mode: "hash", directives: { "script-src": ["self", `sha256-${hash}`] } },
      paths: { relative: false },
      version: { pollInterval: 0 },
      // The page asks for its worker itself, after the first picture: keeping forty files must not delay it.
      serviceWorker: { register: false },
    }),
  ],
  // The shared shapes and tables are read from their source, so the page needs no built host.
  resolve: { conditions: ["hearthnet-source", ...defaultClientConditions] },
  ssr: { resolve: { conditions: ["hearthnet-source", ...defaultServerConditions] } },
  build: {
    target: "es2024",
    assetsInlineLimit: 0,
    // What nearly every page needs comes in one piece: forty small files would be forty questions before the first picture (admin-ui §16).
    rolldownOptions: { output: { codeSplitting: { groups: [group("start", START), group("frame", FRAME)] } } },
  },
});
