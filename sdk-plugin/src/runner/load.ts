/** Reads what an entry module exports, and says precisely what is wrong with it. */
import type { JsonObject } from "@hearthnet/host/contract";
import { pluginDefinition, workerDefinition, type PluginDefinition, type WorkerDefinition } from "../definition.ts";
import { isObject, kindOf } from "./json.ts";

/** A plugin that cannot be started; the text is for its author. */
export class BrokenPlugin extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BrokenPlugin";
  }
}

/** Imports an entry module by its path in the sandbox. */
export type LoadModule = (entry: string) => Promise<unknown>;

/** @throws BrokenPlugin */
export async function importEntry(load: LoadModule, entry: string): Promise<unknown> {
  try {
    return await load(entry);
  } catch (cause) {
    throw new BrokenPlugin(`${entry} cannot be loaded.`, { cause });
  }
}

/**
 * @param manifest  declared names are compared with the handlers; null: not readable, nothing is compared
 * @throws BrokenPlugin
 */
export function readPlugin(module: unknown, o: { entry: string; manifest: JsonObject | null }): PluginDefinition {
  const value = defaultExport(module, o.entry, "definePlugin");
  const definition = pluginDefinition(value);
  if (definition === undefined) {
    const isWorker = workerDefinition(value) !== undefined;
    throw new BrokenPlugin(
      isWorker
        ? `${o.entry} is a worker (defineWorker), but the manifest names it as entry.main. The plugin's entry must export definePlugin({…}).`
        : `The default export of ${o.entry} is ${kindOf(value)}, not the result of definePlugin({…}).`,
    );
  }
  if (!isObject(definition)) throw new BrokenPlugin(`definePlugin in ${o.entry} was given ${kindOf(definition)}, not an object.`);
  checkHandlers(definition);
  if (o.manifest !== null) checkDeclared(definition, o.manifest);
  return definition;
}

/** @throws BrokenPlugin */
export function readWorker(module: unknown, entry: string): WorkerDefinition {
  const value = defaultExport(module, entry, "defineWorker");
  const definition = workerDefinition(value);
  if (definition === undefined) {
    throw new BrokenPlugin(`The default export of ${entry} is ${kindOf(value)}, not the result of defineWorker({…}).`);
  }
  if (!isObject(definition) || typeof definition["message"] !== "function") {
    throw new BrokenPlugin(`defineWorker in ${entry} needs a function message(message, { bytes, signal }).`);
  }
  return definition;
}

function defaultExport(module: unknown, entry: string, wanted: string): unknown {
  if (typeof module !== "object" || module === null || !("default" in module)) {
    throw new BrokenPlugin(`${entry} has no default export. It must say: export default ${wanted}({…}).`);
  }
  return module.default;
}

function checkHandlers(definition: PluginDefinition): void {
  const panel: unknown = definition.panel;
  if (panel !== undefined && (!isObject(panel) || !isObject(panel["methods"])))
    throw new BrokenPlugin("definePlugin: panel must be { methods: { … } }.");
  for (const group of ["capabilities", "schedules", "topics", "http", "sockets", "panel"] as const) {
    const handlers: unknown = group === "panel" ? definition.panel?.methods : definition[group];
    if (handlers === undefined) continue;
    if (!isObject(handlers))
      throw new BrokenPlugin(`definePlugin: ${group} must be an object of functions, not ${kindOf(handlers)}.`);
    for (const [name, handler] of Object.entries(handlers)) {
      if (typeof handler !== "function")
        throw new BrokenPlugin(`definePlugin: ${group}["${name}"] must be a function, not ${kindOf(handler)}.`);
      if (group === "capabilities" && !/^[a-z0-9_.]+@\d+\.\d+$/.test(name)) {
        throw new BrokenPlugin(`definePlugin: "${name}" is no capability with a version. Write it like "ext.demo.echo@1.0".`);
      }
    }
  }
  checkData(definition.data);
  checkMethods(definition.views, { group: "views", methods: ["reset", "apply", "snapshotState", "restoreState"] });
  checkMethods(definition.roles, { group: "roles", methods: ["open", "put", "stat", "fetch"] });
  for (const name of ["setup", "onConfig"] as const) {
    const hook: unknown = definition[name];
    if (hook !== undefined && typeof hook !== "function")
      throw new BrokenPlugin(`definePlugin: ${name} must be a function, not ${kindOf(hook)}.`);
  }
}

function checkData(data: unknown): void {
  if (data === undefined) return;
  if (!isObject(data)) throw new BrokenPlugin(`definePlugin: data must be an object, not ${kindOf(data)}.`);
  const { open, migrations = {} } = data;
  if (open !== undefined && typeof open !== "function")
    throw new BrokenPlugin(`definePlugin: data.open must be a function, not ${kindOf(open)}.`);
  if (!isObject(migrations))
    throw new BrokenPlugin(`definePlugin: data.migrations must be an object, not ${kindOf(migrations)}.`);
  for (const [version, migrate] of Object.entries(migrations)) {
    if (!/^([2-9]|[1-9]\d{1,6})$/.test(version))
      throw new BrokenPlugin(`definePlugin: data.migrations has "${version}"; names are schema versions from 2 on.`);
    if (typeof migrate !== "function")
      throw new BrokenPlugin(`definePlugin: data.migrations[${version}] must be a function, not ${kindOf(migrate)}.`);
  }
}

function checkMethods(value: unknown, { group, methods }: { group: string; methods: string[] }): void {
  if (value === undefined) return;
  if (!isObject(value)) throw new BrokenPlugin(`definePlugin: ${group} must be an object, not ${kindOf(value)}.`);
  for (const [name, one] of Object.entries(value)) {
    const missing = isObject(one)
      ? methods.filter((method) => typeof (one as Record<string, unknown>)[method] !== "function")
      : methods;
    if (missing.length > 0)
      throw new BrokenPlugin(`definePlugin: ${group}["${name}"] needs the functions ${missing.join(", ")}.`);
  }
}

/** Handlers that nothing can reach, and declarations that nothing answers, are mistakes in every case. */
function checkDeclared(definition: PluginDefinition, manifest: JsonObject): void {
  const contributes = isObject(manifest["contributes"]) ? manifest["contributes"] : {};
  const declared = list(contributes["capabilities"]).map(({ name, version }) => `${name as string}@${version as string}`);
  const schedules = list(contributes["schedules"]).map(({ id }) => id as string);
  const views = list(contributes["views"]).map(({ name }) => name as string);
  const { subscribe = [] } = isObject(contributes["topics"]) ? contributes["topics"] : {};
  const roles = (manifest["roles"] ?? []) as string[];
  // Roles that have no methods of their own are answered through other means.
  const served = roles.filter((role) => role === "blob-store");
  compare("view", { handled: Object.keys(definition.views ?? {}), declared: views, place: "contributes.views" });
  compare("topic", {
    handled: Object.keys(definition.topics ?? {}),
    declared: subscribe as string[],
    place: "contributes.topics.subscribe",
  });
  compare("role", { handled: Object.keys(definition.roles ?? {}), declared: served, place: "roles" });
  compare("capability", { handled: Object.keys(definition.capabilities ?? {}), declared, place: "contributes.capabilities" });
  const routes = list(contributes["http"]).flatMap(({ routes: all }) => list(all));
  const namesOf = (all: JsonObject[]): string[] => all.map(({ method, path }) => `${method as string} ${path as string}`);
  compare("route", {
    handled: Object.keys(definition.http ?? {}),
    declared: namesOf(routes.filter(({ ws }) => ws !== true)),
    place: "contributes.http",
  });
  compare("WebSocket route", {
    handled: Object.keys(definition.sockets ?? {}),
    declared: namesOf(routes.filter(({ ws }) => ws === true)),
    place: "contributes.http, with ws,",
  });
  if (definition.panel !== undefined && list(contributes["panels"]).length === 0)
    throw new BrokenPlugin("definePlugin has panel methods, but contributes.panels of hearthnet.plugin.json declares no panel.");
  compare("schedule", { handled: Object.keys(definition.schedules ?? {}), declared: schedules, place: "contributes.schedules" });
}

function compare(what: string, { handled, declared, place }: { handled: string[]; declared: string[]; place: string }): void {
  const extra = handled.filter((name) => !declared.includes(name));
  if (extra.length > 0) {
    const known = declared.join(", ") || "none";
    throw new BrokenPlugin(
      `The ${what} ${extra.join(", ")} has a handler but is not declared in ${place} of hearthnet.plugin.json. Declared: ${known}.`,
    );
  }
  const missing = declared.filter((name) => !handled.includes(name));
  if (missing.length > 0) {
    throw new BrokenPlugin(
      `The ${what} ${missing.join(", ")} is declared in ${place} of hearthnet.plugin.json but definePlugin has no handler for it.`,
    );
  }
}

function list(value: unknown): JsonObject[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];
}
