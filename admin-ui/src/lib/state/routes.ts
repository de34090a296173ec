import type { Role } from "@hearthnet/host/contract";
import type { Messages } from "#lib/i18n/en.ts";

export interface RouteEntry {
  path: string;
  title: keyof Messages["titles"];
  role: Role | "none";
  /** Place in the navigation; the first four also in the bottom bar. */
  nav?: keyof Messages["nav"];
}

/** Every address of the page; navigation, the check of rights and the accessibility test are made from it. */
export const ROUTES: readonly RouteEntry[] = [
  { path: "/", title: "home", role: "viewer", nav: "home" },
  { path: "/browse", title: "browse", role: "viewer", nav: "browse" },
  { path: "/plugins", title: "plugins", role: "viewer", nav: "plugins" },
  { path: "/try", title: "try", role: "viewer", nav: "try" },
  { path: "/files", title: "files", role: "operator", nav: "files" },
  { path: "/people", title: "people", role: "viewer", nav: "people" },
  { path: "/mesh", title: "mesh", role: "viewer", nav: "mesh" },
  { path: "/tokens", title: "tokens", role: "operator", nav: "tokens" },
  { path: "/activity", title: "activity", role: "operator", nav: "activity" },
  { path: "/audit", title: "audit", role: "operator", nav: "audit" },
  { path: "/health", title: "health", role: "viewer", nav: "health" },
  { path: "/settings", title: "settings", role: "viewer", nav: "settings" },
  { path: "/trace", title: "traces", role: "operator" },
  { path: "/trace/[trace]", title: "trace", role: "operator" },
  { path: "/audit/acts", title: "auditActs", role: "owner" },
  { path: "/setup", title: "setup", role: "none" },
  { path: "/login", title: "login", role: "none" },
  { path: "/browse/[ns]/[name]", title: "browse", role: "viewer" },
  { path: "/plugins/[ns]/[name]", title: "plugins", role: "viewer" },
  { path: "/plugins/[ns]/[name]/permissions", title: "permissions", role: "viewer" },
  { path: "/plugins/[ns]/[name]/config", title: "config", role: "operator" },
  { path: "/plugins/[ns]/[name]/logs", title: "logs", role: "operator" },
  { path: "/plugins/[ns]/[name]/versions", title: "versions", role: "viewer" },
  { path: "/plugins/[ns]/[name]/panel/[panel]", title: "panel", role: "operator" },
  { path: "/try/[capability]", title: "try", role: "operator" },
  { path: "/people/invite", title: "invite", role: "owner" },
  { path: "/people/join", title: "join", role: "owner" },
  { path: "/people/create", title: "createCommunity", role: "owner" },
  { path: "/tokens/new", title: "newToken", role: "owner" },
  { path: "/help", title: "help", role: "none" },
];
