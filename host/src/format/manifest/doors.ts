import type { DeclaredRoute, PluginManifest } from "../../contract/index.ts";
import { isBelowPrefix, routeParts, routesCollide } from "./route.ts";

type Wrong = (path: string, message: string) => void;

/** Trees of the host's own endpoints. @source 02 §2 */
const HOSTS_OWN = new Set([
  "bus",
  "manifest",
  "community",
  "sync",
  "pkg",
  "pubsub",
  "ready",
  "trace",
  "sys",
  "auth",
  "api",
  "admin",
]);
const SIGNED = new Set(["member", "federated", "signed"]);
const PANEL_ENTRY = /^panel\/.*\.html$/;

/** Rules about mounted routes and panels that a schema cannot say. @source plugin-platform §2.1, 02 T-4 */
export function checkDoors(m: PluginManifest, wrong: Wrong): void {
  checkRoutes(m, wrong);
  const panels = m.contributes.panels ?? [];
  const ids = panels.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) wrong("/contributes/panels", "names one panel twice");
  panels.forEach(({ entry }, i) => {
    if (!PANEL_ENTRY.test(entry)) wrong(`/contributes/panels/${i}/entry`, "must be an .html file in the folder panel");
  });
  if (m.kind === "panel" && panels.length === 0) wrong("/contributes/panels", "is empty, but the kind is panel");
  if (m.kind === "assets" && panels.length > 0) wrong("/contributes/panels", "does not belong to the kind assets");
}

function checkRoutes(m: PluginManifest, wrong: Wrong): void {
  const mounts = m.contributes.http ?? [];
  if (mounts.length > 0 && m.kind !== "service") wrong("/contributes/http", `does not belong to the kind ${m.kind}`);
  const asked = [...m.permissions, ...(m.optionalPermissions ?? [])].find(({ name }) => name === "http.mount");
  const granted = { prefix: asked?.scope?.["prefix"], auth: (asked?.scope?.["auth"] ?? []) as string[] };
  const seen: { method: string; path: string; pseudo?: string }[] = [];
  mounts.forEach(({ prefix, routes }, i) => {
    const at = `/contributes/http/${i}`;
    checkPrefix({ prefix, id: m.id, at }, wrong);
    if (typeof granted.prefix !== "string" || !isBelowPrefix(`/${prefix.replaceAll(".", "/")}`, granted.prefix))
      wrong(`${at}/prefix`, "is not covered by the permission http.mount");
    routes.forEach((route, j) => {
      const here = `${at}/routes/${j}`;
      if (routeParts(route.path) === null) wrong(`${here}/path`, "is not made of names and parameters like :id");
      else if (!isBelowPrefix(route.path, prefix))
        wrong(`${here}/path`, `is not below /${prefix.replaceAll(".", "/")}, which its prefix owns`);
      if (!granted.auth.includes(route.auth)) wrong(`${here}/auth`, "is not covered by the permission http.mount");
      checkSocket({ route, at: here }, wrong);
      checkPseudo({ route, prefix, at: here }, wrong);
      if (seen.some((other) => routesCollide(other, route))) wrong(here, "can mean the same request as another route");
      if (route.pseudo !== undefined && seen.some(({ pseudo }) => pseudo === route.pseudo))
        wrong(`${here}/pseudo`, "is another route's, whose requests could be sent here");
      seen.push(route);
    });
  });
}

/** Whose a name is: the host's own trees are nobody else's, and below `ext.` stands the publisher's namespace. @source 00 §5.1 */
function checkPrefix(o: { prefix: string; id: string; at: string }, wrong: Wrong): void {
  const parts = o.prefix.split(".");
  if (parts.includes("")) wrong(`${o.at}/prefix`, "must not end with a dot or hold two");
  if (HOSTS_OWN.has(parts[0] ?? "")) wrong(`${o.at}/prefix`, "is reserved for the host");
  const namespace = (o.id.split("/")[0] ?? "").replaceAll("-", "_");
  if (parts[0] === "ext" && parts[1] !== namespace) wrong(`${o.at}/prefix`, `must begin with ext.${namespace}`);
}

/** A WebSocket begins as a GET, and the operator's terminal opens none. @source plugin-platform §2.1, 02 §8 */
function checkSocket({ route, at }: { route: DeclaredRoute; at: string }, wrong: Wrong): void {
  const { protocols = [] } = route;
  if (route.ws !== true) {
    if (protocols.length > 0) wrong(`${at}/protocols`, "belongs to a route with ws");
    return;
  }
  if (route.method !== "GET") wrong(`${at}/method`, "must be GET: a WebSocket begins as one");
  if (route.auth === "operator") wrong(`${at}/ws`, "is not served at the operator's terminal");
  if (new Set(protocols).size !== protocols.length) wrong(`${at}/protocols`, "names one twice");
}

function checkPseudo(
  { route, prefix, at }: { route: { auth: string; pseudo?: string }; prefix: string; at: string },
  wrong: Wrong,
): void {
  const { auth, pseudo } = route;
  if (!SIGNED.has(auth)) {
    if (pseudo !== undefined) wrong(`${at}/pseudo`, `does not belong to a route that is ${auth}`);
  } else if (pseudo === undefined || !pseudo.startsWith(`${prefix}.http.`) || !/^[a-z_]+$/.test(pseudo.slice(prefix.length + 6)))
    wrong(`${at}/pseudo`, `must be named like ${prefix}.http.name`);
}
