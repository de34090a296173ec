/** Decides every wish of a plugin. Deny is the default; one function for each right. @source plugin-platform §3.1, §3.4 */
import type { Grant, JsonObject, PermissionName } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { amount, texts } from "../../format/index.ts";

const KV_DEFAULT_MB = 8;
const DISK_DEFAULT_MB = 64;

/** What a plugin may do, as its operator granted it. A denied row beats an allowed one of the same name. */
export class GrantTable {
  readonly #scopes = new Map<PermissionName, JsonObject[]>();

  constructor(grants: readonly Grant[]) {
    const denied = new Set(grants.filter(({ mode }) => mode !== "allow").map(({ permission }) => permission));
    for (const { permission, scope } of grants) {
      if (denied.has(permission)) continue;
      this.#scopes.set(permission, [...(this.#scopes.get(permission) ?? []), scope]);
    }
  }

  has(permission: PermissionName): boolean {
    return this.#scopes.has(permission);
  }

  scopes(permission: PermissionName): readonly JsonObject[] {
    return this.#scopes.get(permission) ?? [];
  }

  /** @throws permission_denied */
  require(permission: PermissionName, target: string = permission): readonly JsonObject[] {
    const scopes = this.scopes(permission);
    if (scopes.length === 0) throw denied(permission, target);
    return scopes;
  }

  /** `registry.register`: a name below a granted prefix. */
  provide(name: string): void {
    const scopes = this.require("bus.provide", name);
    if (!scopes.some((scope) => texts(scope, "prefixes").some((prefix) => isBelow(name, prefix))))
      throw denied("bus.provide", name);
  }

  /**
   * `bus.dispatch`: `name@major` is listed; under the plugin's own authority only with `own:true`, and never through `*`.
   * @returns tokens a minute that the grant allows; undefined: any number
   */
  call(target: { name: string; major: number; own: boolean }): number | undefined {
    const ref = `${target.name}@${target.major}`;
    const fits = (scope: JsonObject): boolean => {
      const listed = texts(scope, "capabilities");
      if (target.own) return scope["own"] === true && listed.includes(ref);
      return listed.includes(ref) || listed.includes("*");
    };
    const scopes = this.require("bus.call", ref).filter(fits);
    if (scopes.length === 0) throw denied("bus.call", ref);
    const limits = scopes.map((scope) => scope["tokensPerMin"]);
    return limits.every((limit) => typeof limit === "number") ? Math.max(...limits) : undefined;
  }

  /** `supervisor`: a declared worker that is listed. */
  worker(name: string): void {
    if (!this.require("proc.worker", name).some((scope) => texts(scope, "workers").includes(name)))
      throw denied("proc.worker", name);
  }

  /** `kv`: returns the quota, bytes. */
  kvBytes(): number {
    const scopes = this.require("storage.kv");
    return Math.max(...scopes.map((scope) => amount(scope, "quotaMb") || KV_DEFAULT_MB)) * 1_048_576;
  }

  /** `argv`: what shapes the process itself. */
  process(): { data: boolean; dataBytes: number; sqlite: boolean; threads: boolean; native: boolean } {
    const data = this.scopes("fs.data");
    return {
      data: data.length > 0,
      dataBytes: Math.max(0, ...data.map((scope) => amount(scope, "quotaMb") || DISK_DEFAULT_MB)) * 1_048_576,
      sqlite: this.has("storage.sqlite"),
      threads: this.scopes("proc.worker").some((scope) => scope["threads"] === true),
      // A worker that is a program of its own needs no door in Node for addons.
      native: this.scopes("native").some((scope) => texts(scope, "mode").includes("addon")),
    };
  }
}

/** A prefix `ocr.` covers `ocr.image`; without the final dot it covers that one name and everything below it. */
export function isBelow(name: string, prefix: string): boolean {
  if (prefix === "" || prefix === ".") return false;
  return prefix.endsWith(".") ? name.startsWith(prefix) : name === prefix || name.startsWith(`${prefix}.`);
}

export function denied(permission: PermissionName, target: string): HnError {
  return new HnError("permission_denied", {
    message: `The plugin has no permission ${permission}${target === permission ? "" : ` for ${target}`}.`,
    details: {},
  });
}
