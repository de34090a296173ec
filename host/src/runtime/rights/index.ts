/** Questions to the operator, trial runs, roles, rights that run out: what is decided about rights while plugins run. */
export { PluginRights } from "./plugin-rights.ts";
