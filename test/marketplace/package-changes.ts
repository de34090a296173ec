import { addFile, dropFile, flipByte, makeLink, renameFile, setMode } from "./tampering.ts";

export type Change = (bytes: Uint8Array) => Uint8Array;

/** Reason for each change when the package lies in a registry that vouches for exactly these bytes, and when it is handed over as a file. */
export const CHANGES: [name: string, change: Change, reason: string][] = [
  ["one byte of a file flipped", (b) => flipByte(b, "dist/main.mjs"), "tampered"],
  ["one byte of the list of files flipped", (b) => flipByte(b, "files.json"), "tampered"],
  ["a file renamed", (b) => renameFile(b, "README.md", "README.txt"), "tampered"],
  ["a file added", (b) => addFile(b, "dist/extra.mjs"), "tampered"],
  ["a file missing", (b) => dropFile(b, "README.md"), "tampered"],
  ["a file's mode changed", (b) => setMode(b, "dist/main.mjs", "755"), "tampered"],
  ["a path that leads outside", (b) => addFile(b, "../outside.mjs"), "archive_path"],
  ["a path from the root", (b) => addFile(b, "/etc/cron.d/x"), "archive_path"],
  ["a link in place of a file", (b) => makeLink(b, "README.md", "/etc/passwd"), "archive_path"],
  ["the signature cut out", (b) => dropFile(b, "sig/publisher.dsse.json"), "unsigned"],
  ["cut off in the middle", (b) => b.subarray(0, b.byteLength / 2), "damaged"],
  ["something after its end", (b) => Buffer.concat([b, Buffer.from("more")]), "damaged"],
];
