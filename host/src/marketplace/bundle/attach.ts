import { createReadStream, lstatSync, readdirSync, realpathSync, type Stats } from "node:fs";
import { join } from "node:path";
import { discard, namespaceOf, sha256Hex } from "../../format/index.ts";
import { HnError, readFileBounded } from "../../foundation/index.ts";
import type { Known, Registries } from "../registries.ts";
import { folderSource } from "../source/folder.ts";
import type { Source } from "../source/source.ts";
import type { MarketplaceState } from "../state.ts";
import { ROOT_MAX_BYTES } from "../tuf/anchor.ts";
import type { RegistryClient } from "../tuf/registry-client.ts";
import { judgeCatalogue, type JudgedCatalogue } from "./catalogue.ts";
import { type BundleContents, totalOf } from "./contents.ts";
import { DiskSink } from "./disk-sink.ts";
import { Intake } from "./intake.ts";
import { readArchive, readFolder } from "./read.ts";
import type { Attached, Attachment, BundleShelf } from "./shelf.ts";

const ROOT_FILE = /^[1-9][0-9]{0,9}\.root\.json$/;
const ROOTS_MAX = 257;

export interface AttachRooms {
  registries: Registries;
  state: MarketplaceState;
  shelf: BundleShelf;
  /** Unix milliseconds. */
  now: () => number;
}

export interface AttachOptions {
  opId: string;
  signal?: AbortSignal;
  onProgress?: (progress: { doneBytes: number; totalBytes: number }) => void;
}

interface Catalogue {
  registry: string;
  /** Absent: no registry of this node signs it. */
  known?: Known;
  judged?: JudgedCatalogue;
}

/**
 * Copy, judge every file, judge the signed lists, compare packages with them; only then the catalogue is kept and the copy put in place. On any
 * refusal, and after a crash at any step, no file of the bundle stays.
 * @param from  absolute path of a file or a folder, or the bytes of a file
 * @throws as `Intake`, `judgeCatalogue` · invalid_signature wrong_key | unsigned | rolled_back · not_found · the signal's reason
 * @source marketplace §8
 */
export async function attach(from: string | AsyncIterable<Uint8Array>, rooms: AttachRooms, o: AttachOptions): Promise<Attached> {
  const staging = rooms.shelf.staging(o.opId);
  const sink = new DiskSink(staging);
  try {
    const contents = await copyIn(from, sink, o);
    const catalogues: Catalogue[] = [];
    for (const { id } of contents.registries) catalogues.push(await judge(id, { contents, staging, rooms, o }));
    await checkPackages(contents, catalogues, rooms);
    o.signal?.throwIfAborted();
    for (const { judged, known } of catalogues) {
      judged?.commit();
      if (judged?.standing === "newer") await known?.client.openLast();
    }
    const attachment: Attachment = {
      at: Math.floor(rooms.now()),
      catalogues: catalogues.map(({ registry, judged }) => ({
        registry,
        standing: judged?.standing ?? "unknown",
        issued: judged?.issued ?? null,
      })),
    };
    return rooms.shelf.add(staging, attachment);
  } finally {
    sink.abandon();
    discard(staging);
  }
}

async function copyIn(from: string | AsyncIterable<Uint8Array>, sink: DiskSink, o: AttachOptions): Promise<BundleContents> {
  let totalBytes = 0;
  const intake = new Intake(sink, (contents) => (totalBytes = totalOf(contents)));
  const read = {
    ...(o.signal === undefined ? {} : { signal: o.signal }),
    onBytes: (doneBytes: number) => o.onProgress?.({ doneBytes, totalBytes: Math.max(totalBytes, doneBytes) }),
  };
  if (typeof from !== "string") return readArchive(from, intake, read);
  const { path, stat } = located(from);
  if (!stat.isDirectory() && !stat.isFile())
    throw new HnError("bad_request", {
      message: "A bundle is a plain file or a folder.",
      action: "Name the .hnbundle file, or the folder in which bundle.json lies.",
    });
  try {
    if (stat.isDirectory()) return await readFolder(path, intake, read);
    return await readArchive(createReadStream(path) as AsyncIterable<Buffer>, intake, read);
  } catch (cause) {
    const { code = "", syscall = "" } = cause as NodeJS.ErrnoException;
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    if (HnError.isHnError(cause) || isFull || !["open", "opendir", "scandir", "read", "lstat"].includes(syscall)) throw cause;
    throw unreadable(cause);
  }
}

function located(from: string): { path: string; stat: Stats } {
  try {
    const path = realpathSync(from);
    return { path, stat: lstatSync(path) };
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause: unknown): HnError {
  return new HnError("not_found", {
    message: `The bundle cannot be read (${(cause as NodeJS.ErrnoException).code ?? "error"}).`,
    action: "Check the path, that the stick is still plugged in, and that the node's own user may read it.",
    cause,
  });
}

async function judge(
  id: string,
  { contents, staging, rooms, o }: { contents: BundleContents; staging: string; rooms: AttachRooms; o: AttachOptions },
): Promise<Catalogue> {
  const folder = join(staging, "tuf", id);
  const known = rooms.registries.meet(id, { roots: rootsIn(folder) });
  if (known === undefined) return { registry: id };
  const { registry, anchor, client } = known;
  client.checkClock();
  const namespaces = new Set(contents.plugins.map((plugin) => namespaceOf(plugin.id)));
  const judged = await judgeCatalogue({
    registry,
    anchor,
    state: rooms.state,
    source: registryIn(staging, id),
    now: Math.floor(Math.max(rooms.now(), rooms.state.registry(registry.id)?.refreshed ?? 0)),
    namespaces: [...namespaces].filter((namespace) => rooms.registries.nameFor(`${namespace}/x`) === registry.id),
    ...(o.signal === undefined ? {} : { signal: o.signal }),
  });
  return { registry: id, known, judged };
}

/** SHA-256 → bytes. */
function rootsIn(folder: string): Map<string, Uint8Array> {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => ROOT_FILE.test(name));
  } catch {
    return new Map();
  }
  return new Map(
    names.slice(0, ROOTS_MAX).map((name) => {
      const bytes = readFileBounded(join(folder, name), ROOT_MAX_BYTES);
      return [sha256Hex(bytes), bytes];
    }),
  );
}

/** One registry of a bundle, in the layout in which a registry stands. */
function registryIn(dir: string, id: string): Source {
  const files = folderSource(dir);
  return { ...files, open: (key, signal) => files.open(key.replace(/^tuf\//, `tuf/${id}/`), signal) };
}

/** A package that no signed list names is of no use; a bundle that carries only such is refused. */
async function checkPackages(contents: BundleContents, catalogues: readonly Catalogue[], rooms: AttachRooms): Promise<void> {
  const strangers: string[] = [];
  const former: string[] = [];
  for (const plugin of contents.plugins) {
    const client = rooms.registries.clientFor(namespaceOf(plugin.id));
    const own = catalogues.find(({ known }) => known !== undefined && known.client === client);
    if (client === undefined || own === undefined) {
      if (!(await isTarget(plugin, client))) strangers.push(plugin.id);
      continue;
    }
    const { judged } = own;
    const isOlder = judged === undefined || judged.standing === "older";
    const named = isOlder
      ? await isTarget(plugin, client)
      : (await judged.find(plugin.id, plugin.version))?.sha256 === plugin.sha256;
    if (named) continue;
    if (isOlder) former.push(plugin.id);
    else
      throw new HnError("invalid_signature", {
        reason: "unsigned",
        message: `The bundle carries a package as ${plugin.id} ${plugin.version} that its registry does not name.`,
        action: "Do not use it; have it made again from a node that you trust.",
      });
  }
  const usable = contents.plugins.length - strangers.length - former.length;
  const brings = catalogues.some(({ judged }) => judged !== undefined && judged.standing !== "older");
  if (usable > 0 || (brings && contents.plugins.length === 0)) return;
  if (strangers.length > former.length || catalogues.every(({ known }) => known === undefined))
    throw new HnError("invalid_signature", {
      reason: "wrong_key",
      message: "The bundle comes from registries that this node does not trust.",
      action:
        "Add the registry to hearthnet.config.ts, with the hash of its root by a way that you trust; then attach the bundle again.",
    });
  throw new HnError("invalid_signature", {
    reason: "rolled_back",
    message: "The bundle is older than what this node has seen, and nothing in it is offered any more.",
    action: "Have a newer one made.",
  });
}

/** Whether the catalogue of this node names exactly this package. */
export async function isTarget(
  { id, version, sha256 }: { id: string; version: string; sha256: string },
  client: RegistryClient | undefined,
): Promise<boolean> {
  try {
    return (await client?.find(id, version))?.sha256 === sha256;
  } catch {
    // A list that was never read here, and whose registry cannot be asked.
    return false;
  }
}
