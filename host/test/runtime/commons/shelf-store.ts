/** What the plugin `dev/shelf` keeps files with. Runs inside the sandbox. */
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { blake3 } from "@noble/hashes/blake3.js";

const CHUNK_BYTES = 262_144;

interface Facts {
  size: number;
  visibility: string;
  mime?: string;
  meta: object;
  /** Who put it. */
  by: string;
}

export interface Shelf {
  stat(cid: string): Promise<Facts>;
  open(cid: string): Promise<{ stat: Facts; data: AsyncIterable<Uint8Array> }>;
  put(
    o: { visibility: string; mime?: string; meta: object },
    data: AsyncIterable<Uint8Array>,
    caller: { kind: string; plugin_id?: string },
  ): Promise<{ cid: string }>;
  facts(): { puts: number; last: string };
}

const idOf = (bytes: Uint8Array): string => `blake3:${Buffer.from(blake3(bytes)).toString("hex")}`;

export function openShelf(dir: string): Shelf {
  let puts = 0;
  let last = "";
  const pathOf = (cid: string): string => join(dir, "files", cid.slice(7));
  const factsOf = (cid: string): Facts => {
    const path = `${pathOf(cid)}.json`;
    if (!existsSync(path)) throw notFound();
    return JSON.parse(readFileSync(path, "utf8")) as Facts;
  };
  mkdirSync(join(dir, "files"), { recursive: true });
  return {
    stat: async (cid) => factsOf(cid),
    open: async (cid) => ({ stat: factsOf(cid), data: createReadStream(pathOf(cid), { highWaterMark: 100_000 }) }),
    async put({ visibility, mime, meta }, data, caller) {
      const temporary = join(dir, `incoming-${(puts += 1)}`);
      const file = await open(temporary, "w");
      const chunks: { cid: string; size_bytes: number }[] = [];
      let rest = Buffer.alloc(0);
      let size = 0;
      const close = (bytes: Uint8Array): void => void chunks.push({ cid: idOf(bytes), size_bytes: bytes.byteLength });
      try {
        for await (const part of data) {
          await file.write(part);
          size += part.byteLength;
          rest = Buffer.concat([rest, part]);
          for (; rest.byteLength >= CHUNK_BYTES; rest = rest.subarray(CHUNK_BYTES)) close(rest.subarray(0, CHUNK_BYTES));
        }
      } finally {
        await file.close();
      }
      if (rest.byteLength > 0 || chunks.length === 0) close(rest);
      const cid = idOf(Buffer.from(JSON.stringify({ chunk_size_bytes: CHUNK_BYTES, chunks, size_bytes: size })));
      last = `${caller.kind} ${caller.plugin_id ?? ""}`.trim();
      const facts: Facts = { size, visibility, meta, by: last, ...(mime === undefined ? {} : { mime }) };
      renameSync(temporary, pathOf(cid));
      writeFileSync(`${pathOf(cid)}.json`, JSON.stringify(facts));
      return { cid };
    },
    facts: () => ({ puts, last }),
  };
}

/** As the SDK's error is recognised in any bundle. */
function notFound(): Error {
  const error = Object.assign(new Error("There is no such file here."), { code: "not_found" });
  return Object.defineProperty(error, Symbol.for("hearthnet.error"), { value: true });
}
