import type { RouteAuth } from "../../contract/index.ts";
import { isBelowPrefix, texts } from "../../format/index.ts";
import type { GrantTable } from "./check.ts";

/** `router.mount`: a path below a granted prefix, open to no more than was granted. */
export function mayMount(grants: GrantTable, route: { path: string; auth: RouteAuth }): boolean {
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
