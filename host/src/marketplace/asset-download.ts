import { rmSync } from "node:fs";
import type { AssetFile, PluginManifest, StoredRelease } from "../contract/index.ts";
import { HnError, PLATFORM } from "../foundation/index.ts";
import { blobKey, checkAssetCode, headOf, isAssetFor } from "../format/index.ts";
import type { FetchOrder } from "./source/fetch-order.ts";
import { httpSource } from "./source/http.ts";
import { SourceMiss } from "./source/source.ts";
import type { AssetStore } from "./store/asset-store.ts";

export interface AssetOptions {
  store: AssetStore;
  sources: FetchOrder;
  opId: string;
  /** Steps that take back what was fetched. */
  undo: (() => void)[];
  /** 0 to 1 of all missing bytes. */
  onShare: (share: number) => void;
  onSource?: (neighbour: string | undefined) => void;
  signal?: AbortSignal;
}

/**
 * Brings in what a plugin cannot do without: from the own store, then neighbours and its registry, then the addresses its publisher names.
 * @returns asset → path → file in the store
 * @throws bad_request damaged | neighbours_damaged · partition unreachable | nobody_has_it · as `storedAssets` · the signal's reason
 * @source plugin-platform §2.4
 */
export async function fetchAssets(manifest: PluginManifest, o: AssetOptions): Promise<StoredRelease["assets"]> {
  const wanted = (manifest.assets ?? []).filter((asset) => isAssetFor(asset, PLATFORM));
  const missing: AssetFile[] = [];
  for (const file of wanted.filter((asset) => asset.optional !== true).flatMap(({ files }) => files))
    if (!(await o.store.isSound(file, o.signal))) missing.push(file);
  const total = missing.reduce((sum, file) => sum + file.sizeBytes, 0);
  let done = 0;
  for (const file of missing) {
    const isNew = !o.store.has(file);
    await fetchOne(file, { ...o, onBytes: (bytes) => o.onShare((done + bytes) / Math.max(total, 1)) });
    if (isNew) o.undo.push(() => rmSync(o.store.path(file.sha256), { force: true }));
    done += file.sizeBytes;
  }
  return storedAssets(manifest, o.store);
}

/**
 * Which of a plugin's assets lie in the store whole, for this machine. What of them is machine code must be what the manifest says.
 * @returns asset → path → file in the store
 * @throws bad_request native_undeclared | program_undeclared · not_implemented program_platform
 */
export function storedAssets(manifest: PluginManifest, store: AssetStore): StoredRelease["assets"] {
  const stored = (manifest.assets ?? []).filter(
    (asset) => isAssetFor(asset, PLATFORM) && asset.files.every((file) => store.has(file)),
  );
  for (const { name, files } of stored)
    for (const { path, sha256 } of files)
      checkAssetCode(manifest, { asset: name, path, head: headOf(store.path(sha256), { links: "refused" }) }, PLATFORM);
  return Object.fromEntries(
    stored.map(({ name, files }) => [name, Object.fromEntries(files.map((file) => [file.path, store.path(file.sha256)]))]),
  );
}

/** The publisher's addresses are asked last: they learn who wants it. @throws as `fetchAssets` */
export async function fetchOne(
  file: AssetFile,
  o: Omit<AssetOptions, "undo" | "onShare"> & { onBytes: (done: number) => void },
): Promise<void> {
  const put = (bytes: AsyncIterable<Uint8Array>): Promise<void> => o.store.put(file, bytes, o);
  const wanted = { key: blobKey(file.sha256), cid: file.cid, ...(o.signal && { signal: o.signal }) };
  const ways = [
    () => o.sources.fetch({ ...wanted, ...(o.onSource && { onSource: o.onSource }) }, put),
    ...file.sources.map((address) => () => put(openAddress(address, o.signal))),
  ];
  let failure: unknown;
  for (const fetch of ways) {
    try {
      return await fetch();
    } catch (error) {
      o.signal?.throwIfAborted();
      // Trouble with our own disk is no reason to ask somebody else.
      if (!HnError.isHnError(error) && !(error instanceof SourceMiss)) throw error;
      failure = error;
    }
  }
  throw HnError.isHnError(failure)
    ? failure
    : new HnError("partition", { reason: "unreachable", message: `The file ${file.path} cannot be fetched.`, cause: failure });
}

async function* openAddress(address: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const url = new URL(address);
  const source = httpSource(url.origin);
  try {
    yield* await source.open(`${url.pathname.slice(1)}${url.search}`, signal);
  } finally {
    await source.close();
  }
}
