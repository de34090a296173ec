/** The table of contents of a bundle, `bundle.json`: unsigned, so it only says what to expect. @source marketplace §8 */
import { CONSTANTS } from "../../contract/index.ts";
import { isCid, isHex64 } from "../../format/index.ts";
import { HnError, isTime, parseStrictJson } from "../../foundation/index.ts";

export const CONTENTS_FILE = "bundle.json";
export const CONTENTS_MAX_BYTES = 4_194_304;
/** Everything in one bundle. */
export const BUNDLE_MAX_BYTES: number = 64 * 1024 ** 3;
export const BUNDLE_MAX_ENTRIES = 20_000;
/** Assets lie in pieces of this size: a stick's file system may end at 4 GiB for one file. */
export const CHUNK_BYTES: number = 1024 ** 3;
const LIST_MAX = 5000;
const CATALOGUE_PART_MAX_BYTES = 8_388_608;

/** A blob and how large it is. */
export interface ListedBlob {
  sha256: string;
  size: number;
}

export interface BundleContents {
  v: 1;
  created: string;
  /** Version of the host that made it. */
  hostApi: string;
  /** `rootSha256`: of the oldest root file that the bundle holds. */
  registries: { id: string; rootSha256: string }[];
  plugins: (ListedBlob & { id: string; version: string })[];
  assets: (ListedBlob & { cid: string })[];
  /** Search index and revocations, which the registries' signed lists name. */
  catalogue: ListedBlob[];
}

const REGISTRY = /^[a-z][a-z0-9-]{0,38}$/;
const PLUGIN = /^[a-z][a-z0-9-]{1,38}\/[a-z][a-z0-9-]{1,38}$/;
const VERSION = /^[0-9A-Za-z.-]{5,64}$/;

/** @throws bad_request damaged | archive_limits */
export function readContents(bytes: Uint8Array): BundleContents {
  let value: Partial<BundleContents> | null;
  try {
    value = parseStrictJson(bytes, { maxBytes: CONTENTS_MAX_BYTES, maxDepth: 4 }) as unknown as typeof value;
  } catch (cause) {
    throw unreadable(cause);
  }
  if (typeof value !== "object" || value === null || value.v !== 1 || !isTime(value.created)) throw unreadable();
  const { created, hostApi } = value;
  if (typeof hostApi !== "string" || hostApi.length > 64) throw unreadable();
  const contents: BundleContents = {
    v: 1,
    created,
    hostApi,
    registries: rows(value.registries, ({ id, rootSha256 }) => matches(id, REGISTRY) && isHex64(rootSha256)),
    plugins: rows(
      value.plugins,
      (row) => isBlob(row, CONSTANTS.PACKAGE_MAX_BYTES) && matches(row.id, PLUGIN) && matches(row.version, VERSION),
    ),
    assets: rows(value.assets, (row) => isBlob(row, BUNDLE_MAX_BYTES) && typeof row.cid === "string" && isCid(row.cid)),
    catalogue: rows(value.catalogue, (row) => isBlob(row, CATALOGUE_PART_MAX_BYTES)),
  };
  checkOnce(contents);
  if (totalOf(contents) > BUNDLE_MAX_BYTES)
    throw new HnError("bad_request", { reason: "archive_limits", message: "The bundle is larger than 64 GiB." });
  return contents;
}

/** Bytes of all blobs and assets. */
export function totalOf({ plugins, assets, catalogue }: BundleContents): number {
  return [...plugins, ...assets, ...catalogue].reduce((sum, { size }) => sum + size, 0);
}

export function chunksOf({ size }: ListedBlob): number {
  return Math.max(1, Math.ceil(size / CHUNK_BYTES));
}

export function chunkName(sha256: string, chunk: number): string {
  return `assets/${sha256}/${String(chunk).padStart(4, "0")}`;
}

function rows<T>(value: readonly T[] | undefined, isSound: (row: T) => boolean): T[] {
  if (!Array.isArray(value)) throw unreadable();
  if (value.length > LIST_MAX)
    throw new HnError("bad_request", { reason: "archive_limits", message: "The bundle lists more than it may hold." });
  for (const row of value as (T | null)[]) if (typeof row !== "object" || row === null || !isSound(row)) throw unreadable();
  return value as T[];
}

function isBlob({ sha256, size }: Partial<ListedBlob>, maxBytes: number): boolean {
  return isHex64(sha256) && Number.isSafeInteger(size) && (size as number) >= 0 && (size as number) <= maxBytes;
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}

/** Two lines for one thing could say two things. */
function checkOnce({ registries, plugins, assets, catalogue }: BundleContents): void {
  const lists = [
    registries.map(({ id }) => id),
    plugins.map(({ id, version }) => `${id}@${version}`),
    assets.map(({ sha256 }) => sha256),
    [...plugins, ...catalogue].map(({ sha256 }) => sha256),
  ];
  if (lists.some((list) => new Set(list).size !== list.length)) throw unreadable();
}

function unreadable(cause?: unknown): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: "The bundle's table of contents cannot be read.",
    action: "Copy the bundle once more from where it was made.",
    ...(cause === undefined ? {} : { cause }),
  });
}
