/** Paths of mounted routes: which belong below a prefix, and which two could mean the same request. @source plugin-platform §2.1 */

/** `/relay/v1/forward/:id` in its parts; null when it is no path that a route may have. */
export function routeParts(path: string): string[] | null {
  const parts = path.split("/").slice(1);
  const names = parts.filter((part) => part.startsWith(":"));
  const fits = parts.every((part) => /^(:[a-z][a-z0-9_]{0,31}|[A-Za-z0-9_.-]+)$/.test(part) && part !== "." && part !== "..");
  return path.startsWith("/") && fits && new Set(names).size === names.length ? parts : null;
}

/** A prefix `ext.acme.board` owns `/ext/acme/board` and what lies below it. */
export function isBelowPrefix(path: string, prefix: string): boolean {
  const root = `/${prefix.replaceAll(".", "/")}`;
  return path === root || path.startsWith(`${root}/`);
}

/** True when one request could be meant for both. */
export function routesCollide(a: { method: string; path: string }, b: { method: string; path: string }): boolean {
  const [one, other] = [a.path.split("/"), b.path.split("/")];
  return (
    a.method === b.method &&
    one.length === other.length &&
    one.every((part, i) => part === other[i] || part.startsWith(":") || other[i]?.startsWith(":") === true)
  );
}
