/** What a plugin offers on the bus. @source plugin-platform §2.4, §3.1 bus.provide; 03 §1 */
import { readFileSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import {
  CONSTANTS,
  type Bus,
  type CapabilityDescriptor,
  type Handler,
  type JsonObject,
  type JsonSchema,
  type ManifestContribution,
  type Offer,
  type RegisteredCapability,
  type Registration,
  type StoredRelease,
} from "../../contract/index.ts";
import { isDevId } from "../../format/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";

interface Slot {
  ref: string;
  contribution: ManifestContribution;
  params: JsonObject;
  maxConcurrent: number;
  registration: Registration | null;
}

const INSTANCES_MAX = 64;
const PARAMS_MAX = 16_384;

export interface CapabilityShelfOptions {
  release: StoredRelease;
  bus: Bus;
  handler: (ref: string) => Handler;
  /** The bus has refused an answer of this process. */
  onBadAnswer: () => void;
}

/** Registrations of one plugin process: noted while it sets itself up, on the bus from `publish` on, withdrawn when it ends. */
export class CapabilityShelf {
  readonly #options: CapabilityShelfOptions;
  readonly #slots = new Map<number, Slot>();
  #nextHandle = 1;
  #published = false;

  constructor(options: CapabilityShelfOptions) {
    this.#options = options;
  }

  /** `name@X.Y` of everything registered, each once. */
  get refs(): string[] {
    return [...new Set([...this.#slots.values()].map(({ ref }) => ref))].toSorted();
  }

  get registered(): RegisteredCapability[] {
    return [...this.#slots.values()].map(({ ref, params, maxConcurrent }) => ({ ref, params, maxConcurrent }));
  }

  /** The caller has already checked the grant for the name. @throws bad_request · capacity_exceeded · what the bus refuses */
  register(o: { ref: string; params: JsonObject; maxConcurrent: number | undefined }): number {
    const contribution = this.#declared(o.ref);
    if (this.#slots.size >= INSTANCES_MAX)
      throw new HnError("capacity_exceeded", { message: "The plugin has registered too much." });
    if (contribution.multi !== true && this.refs.includes(o.ref)) {
      throw new HnError("bad_request", { message: `${o.ref} is registered already and is not declared as multi.` });
    }
    checkParams(o.params);
    const handle = this.#nextHandle++;
    const slot: Slot = {
      ref: o.ref,
      contribution,
      params: o.params,
      maxConcurrent: Math.max(1, Math.min(contribution.maxConcurrent, o.maxConcurrent ?? contribution.maxConcurrent)),
      registration: null,
    };
    if (this.#published) slot.registration = this.#offer(slot);
    this.#slots.set(handle, slot);
    return handle;
  }

  update(handle: number, params: JsonObject): void {
    const slot = this.#slot(handle);
    checkParams(params);
    slot.registration?.update(params);
    slot.params = params;
  }

  remove(handle: number): void {
    this.#slot(handle).registration?.withdraw();
    this.#slots.delete(handle);
  }

  /** Puts everything noted so far on the bus. @throws bad_request reason schema_invalid | namespace_violation */
  publish(): void {
    this.#published = true;
    for (const slot of this.#slots.values()) slot.registration ??= this.#offer(slot);
  }

  /**
   * Checks and compiles everything noted so far; the returned act only exchanges entries on the bus, this process's for the former one's.
   * @throws bad_request reason schema_invalid | namespace_violation
   */
  prepare(): (former: CapabilityShelf | undefined) => void {
    const slots = [...this.#slots.values()];
    const prepared = this.#options.bus.prepare(slots.map((slot) => this.#describe(slot)));
    return (former) => {
      const registrations = prepared.flip(former === undefined ? [] : former.surrender());
      for (const [index, slot] of slots.entries()) slot.registration = registrations[index] ?? null;
      this.#published = true;
    };
  }

  /** Lets go of its places on the bus without leaving them empty; what it registers from now on is only noted. */
  surrender(): Registration[] {
    this.#published = false;
    return [...this.#slots.values()].flatMap((slot) => {
      const { registration } = slot;
      slot.registration = null;
      return registration ?? [];
    });
  }

  /** Takes from the bus what the plugin may not offer any more. */
  withdrawUnless(allowed: (name: string) => boolean): void {
    for (const [handle, slot] of this.#slots) {
      if (allowed(slot.contribution.name)) continue;
      slot.registration?.withdraw();
      this.#slots.delete(handle);
    }
  }

  withdrawAll(): void {
    this.withdrawUnless(() => false);
    this.#published = false;
  }

  #declared(ref: string): ManifestContribution {
    const found = this.#options.release.manifest.contributes.capabilities?.find(
      ({ name, version }) => `${name}@${version}` === ref,
    );
    if (found === undefined) throw new HnError("bad_request", { message: `The manifest declares no capability ${ref}.` });
    return found;
  }

  #slot(handle: number): Slot {
    const slot = this.#slots.get(handle);
    if (slot === undefined) throw new HnError("not_found", { message: "There is no such registration." });
    return slot;
  }

  #offer(slot: Slot): Registration {
    return this.#options.bus.offer(this.#describe(slot));
  }

  #describe(slot: Slot): Offer {
    const { release, handler, onBadAnswer } = this.#options;
    const { contribution } = slot;
    const [major = 0, minor = 0] = contribution.version.split(".").map(Number);
    const descriptor: CapabilityDescriptor = {
      name: contribution.name,
      version: [major, minor],
      stability: "stable",
      request_schema: readSchema(release.dir, contribution.request),
      response_schema: contribution.response === null ? null : readSchema(release.dir, contribution.response),
      stream_schema: contribution.stream === null ? null : readSchema(release.dir, contribution.stream),
      params: slot.params,
      max_concurrent: slot.maxConcurrent,
      trust_required: contribution.trust,
      timeout_seconds: contribution.timeoutSeconds,
      idempotent: contribution.idempotent,
    };
    return {
      descriptor,
      handler: handler(slot.ref),
      onBadAnswer,
      ...(contribution.binary === undefined ? {} : { binary: contribution.binary }),
      ...(contribution.maxBodyBytes === undefined
        ? {}
        : { maxBodyBytes: Math.min(contribution.maxBodyBytes, CONSTANTS.CALL_BODY_CEILING_BYTES) }),
      plugin_id: release.id,
      ...(isDevId(release.id) ? { onlyHere: true } : {}),
    };
  }
}

function checkParams(params: JsonObject): void {
  if (JSON.stringify(params).length > PARAMS_MAX)
    throw new HnError("bad_request", { reason: "too_large", message: "The params are too large." });
}

/** A schema file of the package. Its path was checked with the manifest; links that lead outside are refused here all the same. */
function readSchema(packageDir: string, path: string): JsonSchema {
  const root = realpathSync(packageDir);
  const file = realpathSync(join(root, path));
  if (!file.startsWith(root + sep)) throw new HnError("bad_request", { reason: "schema_invalid" });
  const schema = parseStrictJson(readFileSync(file), { maxBytes: CONSTANTS.SCHEMA_MAX_BYTES });
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    throw new HnError("bad_request", { reason: "schema_invalid" });
  return schema;
}
