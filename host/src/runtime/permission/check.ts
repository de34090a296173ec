/** Decides every wish of a plugin. Deny is the default; one function for each right. @source plugin-platform §3.1, §3.4 */
import {
  SELF_CAPABILITIES,
  type Grant,
  type GrantMode,
  type JsonObject,
  type PermissionName,
  type RouteAuth,
  type Visibility,
} from "../../contract/index.ts";
import { HnError, type AddressClass } from "../../foundation/index.ts";
import { amount, pointerCovers, texts } from "../../format/index.ts";
import { isHostTopic, mayAppend, mayOpen, mayRead, mayUseTopic, storable } from "./commons.ts";
import { mayMount } from "./doors.ts";
import { nameOf, type Target } from "./hosts.ts";
import { ADDRESS_CLASSES, isNamed, mayCast, mayReach, type Destination } from "./reach.ts";

const KV_DEFAULT_MB = 8;
const DISK_DEFAULT_MB = 64;

interface Row {
  scope: JsonObject;
  /** Unix milliseconds; Infinity: never. */
  expires: number;
}

export interface GrantTableOptions {
  /** Which rows count; those that allow by default. */
  modes?: ReadonlySet<GrantMode>;
  /** Unix milliseconds. Without it a row that runs out counts as having done so. */
  now?: () => number;
}

const ALLOWING: ReadonlySet<GrantMode> = new Set(["allow"]);

/** What a plugin may do, as its operator granted it. A denied row beats an allowed one of the same name. */
export class GrantTable {
  readonly #rows = new Map<PermissionName, Row[]>();
  readonly #now: () => number;

  constructor(grants: readonly Grant[], { modes = ALLOWING, now }: GrantTableOptions = {}) {
    this.#now = now ?? (() => Infinity);
    const denied = new Set(grants.filter(({ mode }) => mode === "deny").map(({ permission }) => permission));
    for (const { permission, scope, mode, expires } of grants) {
      if (denied.has(permission) || !modes.has(mode)) continue;
      this.#rows.set(permission, [...(this.#rows.get(permission) ?? []), { scope, expires: expires ?? Infinity }]);
    }
  }

  has(permission: PermissionName): boolean {
    return this.scopes(permission).length > 0;
  }

  scopes(permission: PermissionName): readonly JsonObject[] {
    const rows = this.#rows.get(permission);
    if (rows === undefined) return [];
    return rows.filter(({ expires }) => expires === Infinity || this.#now() < expires).map(({ scope }) => scope);
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
      return listed.includes(ref) || (listed.includes("*") && !SELF_CAPABILITIES.has(target.name));
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

  /** `availability`: a flag that is listed. */
  availability(flag: string): void {
    if (!this.mayDeclare(flag)) throw denied("availability.set", flag);
  }

  mayDeclare(flag: string): boolean {
    return this.scopes("availability.set").some((scope) => texts(scope, "flags").includes(flag));
  }

  /** `events.append` */
  append(type: string): void {
    if (!mayAppend(this, type)) throw denied("events.append", type);
  }

  /** `events.feed`: those of the asked types, all of which may be read; without a wish all that are granted. */
  readable(asked: readonly string[] | undefined): string[] {
    const granted = this.require("events.read").flatMap((scope) => texts(scope, "types"));
    const refused = asked?.find((type) => !mayRead(this, type));
    if (refused !== undefined) throw denied("events.read", refused);
    return asked === undefined ? granted : [...asked];
  }

  /** `pubsub`: one of the granted patterns fits. */
  publish(topic: string): void {
    if (isHostTopic(topic) || !mayUseTopic(this, "pubsub.publish", topic)) throw denied("pubsub.publish", topic);
  }

  /** `blobs.open`, once it is known how many may see it. */
  open(o: { visibility: Visibility; own: boolean }): void {
    if (!mayOpen(this, o)) throw denied("blobs.read", o.visibility);
  }

  /** `blobs.put`: returns the quota, bytes. */
  store(visibility: Visibility): number {
    const quotaBytes = storable(this, visibility);
    if (quotaBytes === undefined) throw denied("blobs.write", visibility);
    return quotaBytes;
  }

  /** `identity.signDoc`: the kind of document is listed. */
  sign(doc: string): void {
    if (!this.scopes("identity.sign").some((scope) => texts(scope, "docs").includes(doc))) throw denied("identity.sign", doc);
  }

  /** `secrets`: keys under labels that are listed. */
  derive(label: string): void {
    if (!this.scopes("secret.derive").some((scope) => texts(scope, "labels").includes(label)))
      throw denied("secret.derive", label);
  }

  /** `secrets`: the plain text of a setting that is listed; `*` stands for one step of the pointer. */
  secret(right: "secret.read" | "secret.use", pointer: string): void {
    if (!this.scopes(right).some((scope) => texts(scope, "names").some((pattern) => pointerCovers(pattern, pointer))))
      throw denied(right, pointer);
  }

  /** `net.open`, before a name is resolved, for a question to a name server leaves the node as well: addresses of some class may be reached under it. */
  name(to: Destination): void {
    if (!ADDRESS_CLASSES.some((kind) => mayReach(this, kind, to))) throw denied("net.internet", nameOf(to));
  }

  /** `net.open`: an address of this class, under the name that was given. */
  reach(kind: AddressClass, to: Destination): void {
    if (!mayReach(this, kind, to)) throw denied(`net.${kind}`, nameOf(to));
  }

  /** `net.udp`: one datagram's destination. */
  datagram(to: Target): void {
    if (!mayCast(this, to)) throw denied("net.udp", nameOf(to));
  }

  /** `secrets`: a secret whose settings name no endpoint goes only to a host that is named in full. */
  carry(pointer: string, to: Destination): void {
    if (!isNamed(this, to)) throw denied("secret.use", `${pointer} at ${nameOf(to)}`);
  }

  /** `router.mount` */
  mount(route: { method: string; path: string; auth: RouteAuth }): void {
    if (!mayMount(this, route)) throw denied("http.mount", `${route.method} ${route.path}`);
  }

  /** `pubsub`, the other way: messages of this topic are brought to the plugin. */
  subscribe(topic: string): void {
    if (!mayUseTopic(this, "pubsub.subscribe", topic)) throw denied("pubsub.subscribe", topic);
  }

  /** `argv`: what shapes the process itself. */
  process(): { data: boolean; dataBytes: number; sqlite: boolean; threads: boolean; native: boolean; programs: boolean } {
    const data = this.scopes("fs.data");
    return {
      data: data.length > 0,
      dataBytes: Math.max(0, ...data.map((scope) => amount(scope, "quotaMb") || DISK_DEFAULT_MB)) * 1_048_576,
      sqlite: this.has("storage.sqlite"),
      threads: this.scopes("proc.worker").some((scope) => scope["threads"] === true),
      // A worker that is a program of its own needs no door in Node for addons.
      native: this.scopes("native").some((scope) => texts(scope, "mode").includes("addon")),
      programs: this.scopes("native").some((scope) => texts(scope, "mode").includes("exec")),
    };
  }
}

/** A prefix `ocr.` covers `ocr.image`; without the final dot it covers that one name and everything below it. */
export function isBelow(name: string, prefix: string): boolean {
  if (prefix === "" || prefix === ".") return false;
  return prefix.endsWith(".") ? name.startsWith(prefix) : name === prefix || name.startsWith(`${prefix}.`);
}

/** A check has said no; what asked learns for which right, and to what. */
export class GrantDenied extends HnError {
  readonly permission: PermissionName;
  readonly target: string;

  constructor(permission: PermissionName, target: string) {
    super("permission_denied", {
      message: `The plugin has no permission ${permission}${target === permission ? "" : ` for ${target}`}.`,
    });
    this.permission = permission;
    this.target = target;
  }
}

export function denied(permission: PermissionName, target: string): GrantDenied {
  return new GrantDenied(permission, target);
}
