/** Changes packages as an attacker would: bytes, names, files, modes; the archive stays well formed. */
import { createHash } from "node:crypto";
import { crc32, deflateRawSync, gunzipSync } from "node:zlib";

interface Entry {
  header: Buffer;
  body: Buffer;
}

const BLOCK = 512;

function readTar(packed: Uint8Array): Entry[] {
  const tar = gunzipSync(packed);
  const entries: Entry[] = [];
  for (let at = 0; at + BLOCK <= tar.byteLength && tar[at] !== 0;) {
    const header = Buffer.from(tar.subarray(at, at + BLOCK));
    const size = Number.parseInt(header.toString("latin1", 124, 135), 8);
    const end = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    entries.push({ header, body: Buffer.from(tar.subarray(at + BLOCK, end)) });
    at = end;
  }
  return entries;
}

/** With the header that packages have, so that only the wanted change is wrong. */
function writeTar(entries: Entry[]): Buffer {
  const tar = Buffer.concat([...entries.flatMap(({ header, body }) => [header, body]), Buffer.alloc(2 * BLOCK)]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(tar), 0);
  trailer.writeUInt32LE(tar.byteLength, 4);
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]), deflateRawSync(tar, { level: 9 }), trailer]);
}

function nameOf({ header }: Entry): string {
  return header.toString("latin1", 0, 100).replace(/\0.*$/s, "");
}

/** The checksum anew, in the spelling that stood there. */
function sealed(header: Buffer): Buffer {
  const [, digits = "", end = ""] = /^([0-7]+)([\s\S]*)$/.exec(header.toString("latin1", 148, 156)) ?? [];
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(digits.length, "0")}${end}`, 148, "latin1");
  return header;
}

function withName(entry: Entry, name: string): Entry {
  const header = Buffer.from(entry.header);
  header.fill(0, 0, 100);
  header.write(name, 0, "latin1");
  return { header: sealed(header), body: entry.body };
}

function sorted(entries: Entry[]): Entry[] {
  return entries.toSorted((a, b) => Buffer.compare(Buffer.from(nameOf(a)), Buffer.from(nameOf(b))));
}

export function flipByte(packed: Uint8Array, file: string): Buffer {
  return writeTar(
    readTar(packed).map((entry) => {
      if (nameOf(entry) !== file) return entry;
      const body = Buffer.from(entry.body);
      body[0] = (body[0] ?? 0) ^ 1;
      return { header: entry.header, body };
    }),
  );
}

export function renameFile(packed: Uint8Array, from: string, to: string): Buffer {
  return writeTar(sorted(readTar(packed).map((entry) => (nameOf(entry) === from ? withName(entry, to) : entry))));
}

export function addFile(packed: Uint8Array, name: string): Buffer {
  const entries = readTar(packed);
  const model = entries.find((entry) => nameOf(entry) === "README.md");
  if (model === undefined) throw new Error("no README.md to copy");
  return writeTar(sorted([...entries, withName(model, name)]));
}

export function dropFile(packed: Uint8Array, name: string): Buffer {
  return writeTar(readTar(packed).filter((entry) => nameOf(entry) !== name));
}

/** @param mode  octal digits, e.g. `755` */
export function setMode(packed: Uint8Array, name: string, mode: string): Buffer {
  return writeTar(
    readTar(packed).map((entry) => {
      if (nameOf(entry) !== name) return entry;
      const header = Buffer.from(entry.header);
      const [, digits = "", end = ""] = /^([0-7]+)([\s\S]*)$/.exec(header.toString("latin1", 100, 108)) ?? [];
      header.write(`${mode.padStart(digits.length, "0")}${end}`, 100, "latin1");
      return { header: sealed(header), body: entry.body };
    }),
  );
}

/** A link of the archive format in place of a file. */
export function makeLink(packed: Uint8Array, name: string, target: string): Buffer {
  return writeTar(
    readTar(packed).map((entry) => {
      if (nameOf(entry) !== name) return entry;
      const header = Buffer.from(entry.header);
      header.fill("0", 124, 135);
      header.write("2", 156, "latin1");
      header.write(target, 157, "latin1");
      return { header: sealed(header), body: Buffer.alloc(0) };
    }),
  );
}

export function packAgain(packed: Uint8Array): Buffer {
  return writeTar(readTar(packed));
}

/** Another manifest, and a list of files that names it: only the signature is that of the former one. */
export function withManifest(packed: Uint8Array, manifest: Uint8Array): Buffer {
  const sha256 = createHash("sha256").update(manifest).digest("hex");
  return writeTar(
    readTar(packed).map((entry) => {
      if (nameOf(entry) === "hearthnet.plugin.json") return withBody(entry, manifest);
      if (nameOf(entry) !== "files.json") return entry;
      const rows = JSON.parse(entry.body.toString("utf8").replace(/\0+$/, "")) as { path: string }[];
      const listed = rows.map((row) =>
        row.path === "hearthnet.plugin.json" ? { ...row, sha256, size: manifest.byteLength } : row,
      );
      return withBody(entry, Buffer.from(JSON.stringify(listed)));
    }),
  );
}

function withBody(entry: Entry, bytes: Uint8Array): Entry {
  const header = Buffer.from(entry.header);
  const digits = /^[0-7]+/.exec(header.toString("latin1", 124, 136))?.[0].length ?? 0;
  header.write(bytes.byteLength.toString(8).padStart(digits, "0"), 124, "latin1");
  const body = Buffer.alloc(Math.ceil(bytes.byteLength / BLOCK) * BLOCK);
  body.set(bytes);
  return { header: sealed(header), body };
}
