import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { BuildOptions } from "esbuild";

/** One script of a panel: where its source lies, and where it goes in the package. */
export interface PanelScript {
  source: string;
  path: string;
}

/** `src/panel/NAME.ts` becomes `panel/NAME.js`; what such a script imports from deeper folders becomes part of it. */
export function panelScripts(dir: string): PanelScript[] {
  const folder = join(dir, "src", "panel");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .flatMap((name) => {
      const base = /^([A-Za-z0-9_-]+)\.(?:ts|tsx|js|jsx)$/.exec(name)?.[1];
      return base === undefined ? [] : [{ source: `src/panel/${name}`, path: `panel/${base}.js` }];
    });
}

/** A classic script: a module would need leave from another origin, and a frame has none of its own. @source admin-ui §17 */
export const PANEL_BUILD: Pick<BuildOptions, "format" | "platform" | "target" | "banner"> = {
  format: "iife",
  platform: "browser",
  target: "es2022",
  banner: {},
};
