import type { RouteAuth } from "../../contract/index.ts";
import { isBelowPrefix, texts } from "../../format/index.ts";
import type { GrantTable } from "./check.ts";

/** A path below a granted prefix, open to no more than was granted. The check itself is the table's. */
export function mayMount(grants: Pick<GrantTable, "scopes">, route: { path: string; auth: RouteAuth }): boolean {
  return grants.scopes("http.mount").some((scope) => {
    const prefix = scope["prefix"];
    return (
      typeof prefix === "string" &&
      prefix !== "" &&
      isBelowPrefix(route.path, prefix) &&
      texts(scope, "auth").includes(route.auth)
    );
  });
}
