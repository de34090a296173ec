import { join } from "node:path";
import { pathToFileURL } from "node:url";

export type Language = "en" | "de";
/** Finds a text of the page by its key, as the page itself would say it. */
export type Say = (key: string | readonly string[], values?: object | number) => string;

const FOLDER = join(import.meta.dirname, "..", "..", "..", "admin-ui", "src", "lib", "i18n");

/** The page's own catalogue: a test that names keys survives a better wording, and fails when a key is gone. */
export async function wordsOf(language: Language): Promise<Say> {
  const catalogue = await catalogueOf(language);
  return (key, values) => {
    let at: unknown = catalogue;
    for (const part of typeof key === "string" ? key.split(".") : key) at = (at as Record<string, unknown> | undefined)?.[part];
    if (typeof at === "function") return String((at as (o: unknown) => unknown)(values));
    if (typeof at !== "string") throw new Error(`The page has no text ${String(key)}.`);
    return at;
  };
}

/** All texts of one language, as the page's source has them. */
export async function catalogueOf(language: Language): Promise<unknown> {
  const module = (await import(pathToFileURL(join(FOLDER, `${language}.ts`)).href)) as Record<string, unknown>;
  return module[language];
}

/** Every address of the page, from the one list that also makes its navigation. */
export async function routesOfThePage(): Promise<{ path: string; title: string }[]> {
  const path = join(FOLDER, "..", "state", "routes.ts");
  const { ROUTES } = (await import(pathToFileURL(path).href)) as { ROUTES: { path: string; title: string }[] };
  return ROUTES;
}
