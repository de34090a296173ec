import type { StoredRelease } from "../contract/index.ts";
import { routesCollide } from "../format/index.ts";
import { routeTaken } from "../transport/index.ts";

/** Two installed plugins never claim one address, whether they run or not. @throws bad_request reason route_taken */
export function checkRoutesFree(release: StoredRelease, installed: Iterable<StoredRelease>): void {
  const mine = routesOf(release);
  for (const other of installed) {
    if (other.id === release.id) continue;
    const clash = mine.find((route) => routesOf(other).some((one) => routesCollide(one, route)));
    if (clash !== undefined) throw routeTaken(clash, other.id);
  }
}

function routesOf({ manifest }: StoredRelease): { method: string; path: string }[] {
  return (manifest.contributes.http ?? []).flatMap(({ routes }) => routes);
}
