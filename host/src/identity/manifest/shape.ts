import type { NodeManifest } from "../../contract/index.ts";
import { isTime } from "../../foundation/index.ts";
import { isNodeId } from "../node-id.ts";

const ENDPOINTS_MAX = 16;
const CAPABILITIES_MAX = 256;
const NAMES_MAX = 64;
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)$/;
const PROFILES: ReadonlySet<unknown> = new Set(["anchor", "hearth", "spark", "bridge"]);

/**
 * Whether every field that this node reads has its type and a sane size. Unknown fields are allowed: they belong to a later version.
 * What a peer of the first generation may leave out (profile, hardware, load, uptime) is checked when it is there.
 * @source 01 §5 step 1
 */
export function hasManifestShape(m: NodeManifest): boolean {
  return (
    isName(m.display_name) &&
    // A node that has not joined yet names no community.
    (m.community_id === "" || isNodeId(m.community_id)) &&
    isList(m.endpoints, ENDPOINTS_MAX, isEndpoint) &&
    isList(m.capabilities, CAPABILITIES_MAX, isCapability) &&
    isTime(m.issued_at) &&
    isTime(m.expires_at) &&
    (m.profile === undefined || PROFILES.has(m.profile)) &&
    (m.uptime_seconds === undefined || isAmount(m.uptime_seconds)) &&
    (m.load === undefined || isLoad(m.load)) &&
    (m.hardware === undefined || isHardware(m.hardware)) &&
    (m.features === undefined || isList(m.features, NAMES_MAX, isText)) &&
    (m.relays === undefined || isList(m.relays, NAMES_MAX, isText))
  );
}

/** 1 to 64 characters as people count them. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 256 && [...value].length <= 64;
}

/** Where a node answers. Further members belong to a later version. */
export function isEndpoint(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { transport, host, port, tls_spki_sha256 } = value;
  return (
    isText(transport) &&
    isText(host) &&
    host.length <= 255 &&
    typeof port === "number" &&
    Number.isInteger(port) &&
    port > 0 &&
    port < 65_536 &&
    (tls_spki_sha256 === undefined || isText(tls_spki_sha256))
  );
}

export function isList(value: unknown, max: number, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= max && value.every(isItem);
}

function isCapability(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, version, stability, schema_hash, params, max_concurrent } = value;
  return (
    isText(name) &&
    name.length <= NAMES_MAX &&
    isText(version) &&
    VERSION.test(version) &&
    isText(stability) &&
    isText(schema_hash) &&
    isRecord(params) &&
    Number.isSafeInteger(max_concurrent) &&
    (value["trust_required"] === undefined || isText(value["trust_required"])) &&
    (value["timeout_seconds"] === undefined || isAmount(value["timeout_seconds"])) &&
    (value["idempotent"] === undefined || typeof value["idempotent"] === "boolean") &&
    (value["streaming"] === undefined || typeof value["streaming"] === "boolean")
  );
}

function isLoad(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { cpu, in_flight_total, vram_used_gb } = value;
  return isAmount(cpu) && isAmount(in_flight_total) && (vram_used_gb === undefined || isAmount(vram_used_gb));
}

function isHardware(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { gpu, vram_gb, ram_gb, cpu_cores, disk_free_gb } = value;
  return (gpu === null || typeof gpu === "string") && [vram_gb, ram_gb, cpu_cores, disk_free_gb].every(isAmount);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= 256;
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
