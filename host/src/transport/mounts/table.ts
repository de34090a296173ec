import type { MountedRoute, Mounting, MountLookup, Mounts } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { routeParts, routesCollide } from "../../format/index.ts";

/** A route and what the path says for its parameters. */
export interface Match {
  route: MountedRoute;
  params: Record<string, string>;
}

const PARAM_MAX = 512;

/** The routes that plugins have on this node, by plugin: a release takes the whole place of the one before it. @source plugin-platform §2.4, §6.4.4 */
export class MountTable implements Mounts, MountLookup {
  readonly #byPlugin = new Map<string, { routes: readonly MountedRoute[] }>();

  /** @throws bad_request reason route_taken */
  prepare(plugin: string, routes: readonly MountedRoute[]): () => Mounting {
    this.#checkFree(plugin, routes);
    return () => {
      const place = { routes };
      if (routes.length === 0) this.#byPlugin.delete(plugin);
      else this.#byPlugin.set(plugin, place);
      return {
        withdraw: () => {
          if (this.#byPlugin.get(plugin) === place) this.#byPlugin.delete(plugin);
        },
      };
    };
  }

  /**
   * The route that a request means.
   * @param path  as it came, without the query
   */
  find(method: string, path: string): Match | undefined {
    const given = path.split("/");
    for (const { routes } of this.#byPlugin.values())
      for (const route of routes) {
        const params = route.method === method ? paramsOf(route.path.split("/"), given) : null;
        if (params !== null) return { route, params };
      }
    return undefined;
  }

  #checkFree(plugin: string, routes: readonly MountedRoute[]): void {
    for (const [other, { routes: taken }] of this.#byPlugin) {
      if (other === plugin) continue;
      const clash = routes.find((route) => taken.some((one) => routesCollide(one, route)));
      if (clash !== undefined) throw routeTaken(clash, other);
    }
    const malformed = routes.find(({ path }) => routeParts(path) === null);
    if (malformed !== undefined) throw new HnError("bad_request", { message: `${malformed.path} is no path of a route.` });
  }
}

export function routeTaken(route: { method: string; path: string }, by: string): HnError {
  return new HnError("bad_request", {
    reason: "route_taken",
    message: `The address ${route.method} ${route.path} belongs to ${by} already.`,
  });
}

/** Null where the path is not the route's, or says for a parameter what no text can be. */
function paramsOf(parts: readonly string[], given: readonly string[]): Record<string, string> | null {
  if (parts.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    const text = given[i] ?? "";
    if (!part.startsWith(":")) {
      if (part !== text) return null;
      continue;
    }
    const value = decode(text);
    if (value === null) return null;
    params[part.slice(1)] = value;
  }
  return params;
}

function decode(text: string): string | null {
  try {
    const value = decodeURIComponent(text);
    return value === "" || value.length > PARAM_MAX || /[\u0000-\u001f\u007f]/.test(value) ? null : value;
  } catch {
    return null;
  }
}
