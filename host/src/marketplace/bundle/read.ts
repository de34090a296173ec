import { createReadStream, lstatSync, opendirSync } from "node:fs";
import { join } from "node:path";
import { UstarReader } from "../../format/index.ts";
import { HnError } from "../../foundation/index.ts";
import { type BundleContents, BUNDLE_MAX_BYTES, BUNDLE_MAX_ENTRIES, CONTENTS_FILE } from "./contents.ts";
import type { Intake } from "./intake.ts";

const MAX_LEVELS = 4;

export interface ReadOptions {
  signal?: AbortSignal;
  /** Called with the number of bytes so far. */
  onBytes?: (done: number) => void;
}

/**
 * A bundle as one file, ustar, as its bytes come.
 * @throws as `Intake` · the signal's reason
 */
export async function readArchive(
  bytes: AsyncIterable<Uint8Array>,
  intake: Intake,
  o: ReadOptions = {},
): Promise<BundleContents> {
  const reader = new UstarReader(
    {
      entry: ({ path, size }) => intake.entry(path, size),
      data: (chunk) => intake.data(chunk),
      entryEnd: () => intake.entryEnd(),
    },
    "bundle",
  );
  let done = 0;
  for await (const chunk of bytes) {
    o.signal?.throwIfAborted();
    done += chunk.byteLength;
    if (done > BUNDLE_MAX_BYTES)
      throw new HnError("bad_request", { reason: "archive_limits", message: "The bundle is larger than 64 GiB." });
    reader.push(chunk);
    o.onBytes?.(done);
  }
  reader.end();
  return intake.end();
}

/**
 * A bundle as a folder, under the same rules. Links are not followed: a stick must not show what lies elsewhere on this device.
 * @throws as `Intake` · not_found when it cannot be read · the signal's reason
 */
export async function readFolder(folder: string, intake: Intake, o: ReadOptions = {}): Promise<BundleContents> {
  const paths: string[] = [];
  for (const path of walk(folder, "", 0)) {
    paths.push(path);
    if (paths.length > BUNDLE_MAX_ENTRIES)
      throw new HnError("bad_request", { reason: "archive_limits", message: "The folder holds more files than a bundle may." });
  }
  if (!paths.includes(CONTENTS_FILE))
    throw new HnError("bad_request", {
      reason: "damaged",
      message: "The folder holds no bundle: there is no bundle.json in it.",
      action: "Name the folder in which bundle.json lies.",
    });
  let done = 0;
  for (const path of [CONTENTS_FILE, ...paths.filter((one) => one !== CONTENTS_FILE).sort()]) {
    o.signal?.throwIfAborted();
    const full = join(folder, ...path.split("/"));
    const { size } = lstatSync(full);
    intake.entry(path, size);
    let read = 0;
    for await (const chunk of createReadStream(full) as AsyncIterable<Buffer>) {
      o.signal?.throwIfAborted();
      read += chunk.byteLength;
      if (read > size) throw changing();
      intake.data(chunk);
      o.onBytes?.((done += chunk.byteLength));
    }
    if (read !== size) throw changing();
    intake.entryEnd();
  }
  return intake.end();
}

function* walk(root: string, below: string, level: number): Generator<string> {
  const folder = opendirSync(join(root, below));
  try {
    for (let found = folder.readSync(); found !== null; found = folder.readSync()) {
      const path = below === "" ? found.name : `${below}/${found.name}`;
      if (found.isFile()) yield path;
      else if (found.isDirectory() && level < MAX_LEVELS) yield* walk(root, path, level + 1);
      else
        throw new HnError("bad_request", {
          reason: "archive_path",
          message: "The folder holds a link, a device or too many levels; a bundle has only plain files.",
        });
    }
  } finally {
    folder.closeSync();
  }
}

function changing(): HnError {
  return new HnError("bad_request", {
    reason: "damaged",
    message: "A file of the bundle changed while it was read.",
    action: "Let nobody write to the stick, then attach it again.",
  });
}
