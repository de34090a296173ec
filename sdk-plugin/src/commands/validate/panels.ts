/** What a panel's page names must be in the package, and what it holds must be able to run in its frame. @source admin-ui §17 */
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { panelScripts } from "../panel-scripts.ts";
import type { Project } from "../project.ts";
import { error, type Finding } from "./finding.ts";

const WRONG: readonly [found: RegExp, message: string][] = [
  [/<script(?![^>]*\ssrc=)[^>]*>\s*\S/i, "holds a script inline; write it to src/panel/NAME.ts"],
  [/<script[^>]*\stype=["']?module/i, "loads a module; a frame runs classic scripts, as they are bundled"],
  [/<style|\son[a-z]+\s*=/i, "holds a style or a handler inline; write them to files"],
  [/<form\b/i, "holds a form, which a frame may not send, nor does anybody hear of it; use a button and its click"],
  [/\s(?:src|href)=["']?(?:https?:)?\/\//i, "loads something from the network; there is none in a frame"],
];

export function checkPanels({ manifest, dir }: Project): Finding[] {
  return (manifest.contributes.panels ?? []).flatMap(({ id, entry }): Finding[] => {
    const where = `panel ${id} ${entry}`;
    if (!existsSync(join(dir, entry))) return [error(where, "the file is missing")];
    const html = readFileSync(join(dir, entry), "utf8");
    return [
      ...WRONG.flatMap(([found, message]) => (found.test(html) ? [error(where, message)] : [])),
      ...missingFiles(html, { dir, entry }).map((path) =>
        error(where, `loads ${path}, which is not there; scripts come from src/panel/NAME.ts`),
      ),
    ];
  });
}

/** What the page loads from beside it must lie there, or be made of a script in `src/panel`. */
function missingFiles(html: string, { dir, entry }: { dir: string; entry: string }): string[] {
  const made = new Set(panelScripts(dir).map(({ path }) => path));
  const named = [...html.matchAll(/<(?:script|link|img)\b[^>]*?\s(?:src|href)=["']?([^"'\s>]+)/gi)].map(([, path = ""]) => path);
  return named
    .filter((path) => !/^(?:[a-z]+:|\/\/|#)/i.test(path))
    .map((path) => posix.join(posix.dirname(entry), path.replace(/[?#].*$/, "")))
    .filter((path) => !made.has(path) && !existsSync(join(dir, path)));
}
