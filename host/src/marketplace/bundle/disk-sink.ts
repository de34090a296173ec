import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { IntakeSink } from "./intake.ts";

/** Writes below one fresh folder; each file is on disk for good when it is closed. */
export class DiskSink implements IntakeSink {
  readonly #root: string;
  #fd: number | null = null;

  constructor(root: string) {
    this.#root = root;
    mkdirSync(root, { recursive: true, mode: 0o700 });
  }

  open(path: string): void {
    const full = join(this.#root, ...path.split("/"));
    mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
    this.#fd = openSync(full, "wx", 0o400);
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.byteLength;) at += writeSync(this.#fd as number, chunk, at);
  }

  close(): void {
    fsyncSync(this.#fd as number);
    this.abandon();
  }

  abandon(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
