import { createReadStream } from "node:fs";
import type { BundleMade, BundleOrder, BundleWork, Clock } from "../../contract/index.ts";
import { blobKey, discard, metadataKey, sha256Hex } from "../../format/index.ts";
import { formatTime, HnError } from "../../foundation/index.ts";
import { fetchOne } from "../asset-download.ts";
import type { Offer, Offers } from "../offers.ts";
import type { Registries } from "../registries.ts";
import { readAll } from "../source/source.ts";
import type { MarketplaceState } from "../state.ts";
import { AssetStore } from "../store/asset-store.ts";
import { type BundleContents, CHUNK_BYTES, chunkName, chunksOf, CONTENTS_FILE, readContents } from "./contents.ts";
import { type Plan, planBundle } from "./plan.ts";
import type { BundleShelf } from "./shelf.ts";
import { type BundleSink, openSink } from "./sinks.ts";

export interface MakeRooms {
  offers: Offers;
  registries: Registries;
  state: MarketplaceState;
  assets: AssetStore;
  shelf: BundleShelf;
  clock: Pick<Clock, "now">;
  hostVersion: string;
  choose: (id: string, version?: string) => Promise<Offer>;
}

type MakeOptions = BundleWork & { opId: string };

interface Part {
  path: string;
  size: number;
  open: () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Writes plugins, their files and the signed lists that vouch for them, in an order that can be read as it comes. What is missing here is fetched
 * first and checked as for an installation. On any refusal, and when it is cancelled, nothing stays.
 * @throws as `planBundle`, `openSink`, `fetchOne` · the signal's reason
 * @source marketplace §8
 */
export async function makeBundle(order: BundleOrder, rooms: MakeRooms, o: MakeOptions): Promise<BundleMade> {
  const staging = rooms.shelf.staging(o.opId);
  const sink = openSink(order.out);
  try {
    const plan = await planBundle(order, rooms, o.signal);
    const { contents, parts } = await partsOf(plan, { rooms, staging, o });
    const first = Buffer.from(JSON.stringify(contents));
    readContents(first);
    const all = [{ path: CONTENTS_FILE, size: first.byteLength, open: () => once(first) }, ...parts];
    const sizeBytes = all.reduce((sum, { size }) => sum + size, 0);
    await writeAll(all, sink, { ...o, totalBytes: sizeBytes });
    sink.finish();
    return {
      path: order.out,
      size_bytes: sizeBytes,
      plugins: plan.plugins.map(({ offer: { id, version } }) => ({ id, version })),
      assets: plan.assets.length,
      without: plan.without,
    };
  } finally {
    sink.abandon();
    discard(staging);
  }
}

async function writeAll(parts: readonly Part[], sink: BundleSink, o: MakeOptions & { totalBytes: number }): Promise<void> {
  let doneBytes = 0;
  for (const { path, size, open } of parts) {
    const opened = await open();
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of opened) {
        o.signal?.throwIfAborted();
        yield chunk;
        doneBytes += chunk.byteLength;
        o.onProgress?.({ doneBytes, totalBytes: o.totalBytes });
      }
    };
    await sink.put(path, size, counted());
  }
}

async function partsOf(
  plan: Plan,
  { rooms, staging, o }: { rooms: MakeRooms; staging: string; o: MakeOptions },
): Promise<{ contents: BundleContents; parts: Part[] }> {
  const names = new Set(plan.plugins.map(({ offer }) => rooms.registries.nameFor(offer.id)));
  const lists = await Promise.all([...names].map((name) => signedLists(name, rooms)));
  const assets: Part[] = [];
  for (const { file, client } of plan.assets) {
    const path = await assetPath({ file, client }, { rooms, staging, o });
    const { sha256, sizeBytes: size } = file;
    for (let chunk = 0; chunk < chunksOf({ sha256, size }); chunk++) {
      const start = chunk * CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES, size - start);
      const open = (): AsyncIterable<Uint8Array> =>
        length === 0
          ? once(new Uint8Array(0))
          : (createReadStream(path, { start, end: start + length - 1 }) as AsyncIterable<Buffer>);
      assets.push({ path: chunkName(sha256, chunk), size: length, open });
    }
  }
  const packages = plan.plugins.map(({ offer }): Part => ({
    path: blobKey(offer.sha256),
    size: offer.listed.sizeBytes,
    open: async () => once(await rooms.offers.fetch(offer, o.signal === undefined ? {} : { signal: o.signal })),
  }));
  const catalogue = new Map(lists.flatMap(({ blobs }) => blobs.map((bytes) => [sha256Hex(bytes), bytes] as const)));
  const contents: BundleContents = {
    v: 1,
    created: formatTime(Math.floor(rooms.clock.now())),
    hostApi: rooms.hostVersion,
    registries: lists.map(({ id, rootSha256 }) => ({ id, rootSha256 })),
    plugins: plan.plugins.map(({ offer: { id, version, sha256, listed } }) => ({ id, version, sha256, size: listed.sizeBytes })),
    assets: plan.assets.map(({ file: { cid, sha256, sizeBytes } }) => ({ cid, sha256, size: sizeBytes })),
    catalogue: [...catalogue].map(([sha256, bytes]) => ({ sha256, size: bytes.byteLength })),
  };
  const signed = [
    ...[...catalogue].map(([sha256, bytes]): Part => filePart(blobKey(sha256), bytes)),
    ...lists.flatMap(({ files }) => files),
  ];
  return { contents, parts: [...assets, ...packages, ...signed].sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

/** Where a file lies whole: in the own store, or fetched for this bundle. */
async function assetPath(
  { file, client }: Plan["assets"][number],
  { rooms, staging, o }: { rooms: MakeRooms; staging: string; o: MakeOptions },
): Promise<string> {
  if (await rooms.assets.isSound(file, o.signal)) return rooms.assets.path(file.sha256);
  const store = new AssetStore(staging);
  const { opId, signal } = o;
  await fetchOne(file, {
    store,
    sources: client.sources(),
    opId,
    onBytes: () => {},
    ...(signal === undefined ? {} : { signal }),
  });
  return store.path(file.sha256);
}

interface SignedLists {
  id: string;
  rootSha256: string;
  files: Part[];
  blobs: Uint8Array[];
}

/** What this node has verified of a registry, and its roots from the first one on, so that a node which trusts any of them can follow. */
async function signedLists(id: string, rooms: MakeRooms): Promise<SignedLists> {
  const kept = rooms.state.metadata(id);
  const anchor = rooms.registries.anchorOf(id);
  const newest = kept.get("root") ?? anchor?.bytes;
  if (newest === undefined || !kept.has("timestamp"))
    throw new HnError("partition", { reason: "unreachable", message: `Nothing of the registry ${id} was read yet.` });
  const roots = new Map<number, Uint8Array>();
  for (let version = 1; version < versionOf(newest); version++) {
    const bytes = await rootOf(id, version, rooms);
    if (bytes !== undefined) roots.set(version, bytes);
  }
  if (anchor !== undefined) roots.set(versionOf(anchor.bytes), anchor.bytes);
  roots.set(versionOf(newest), newest);
  const [first = newest] = [...roots].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
  const files = [...roots].map(([version, bytes]) => named(id, metadataKey("root", version), bytes));
  const blobs: Uint8Array[] = [];
  for (const [name, bytes] of kept) {
    if (name.startsWith("blob:")) blobs.push(bytes);
    else if (name !== "root") files.push(named(id, metadataKey(name, name === "timestamp" ? null : versionOf(bytes)), bytes));
  }
  return { id, rootSha256: sha256Hex(first), files, blobs };
}

async function rootOf(id: string, version: number, rooms: MakeRooms): Promise<Uint8Array | undefined> {
  const kept = rooms.state.root(id, version);
  if (kept !== undefined) return kept;
  try {
    return await readAll(rooms.registries.sourceOf(id), metadataKey("root", version), { maxBytes: 512_000 });
  } catch {
    return rooms.shelf.openRoot(id, version);
  }
}

function named(id: string, key: string, bytes: Uint8Array): Part {
  return filePart(key.replace(/^tuf\//, `tuf/${id}/`), bytes);
}

function filePart(path: string, bytes: Uint8Array): Part {
  return { path, size: bytes.byteLength, open: () => once(bytes) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 1_048_576) yield bytes.subarray(at, at + 1_048_576);
}

/** Of metadata that was verified before. */
function versionOf(bytes: Uint8Array): number {
  return (JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed: { version: number } }).signed.version;
}
