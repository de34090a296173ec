/** In which form things lie on the disk, and under which name. @source 30 §7 */
import type { JsonObject, Visibility } from "@hearthnet/sdk-plugin";
import { hexOf } from "../cid/blake3.ts";
import { refuse } from "../refusal.ts";
import { openChunk, openText, sealChunk, sealText } from "../seal/box.ts";
import type { Root } from "../seal/root.ts";

export type AtRest = "off" | "personal" | "all";

/** What a blob is and what it is called, as the database keeps it. */
export interface Label {
  cid: string;
  mime_type?: string;
  filename?: string;
  meta?: JsonObject;
}

export class Vault {
  #root: Root | null;
  #mode: AtRest;

  /** @param root  null: locked */
  constructor(root: Root | null, mode: AtRest) {
    this.#root = root;
    this.#mode = mode;
  }

  get locked(): boolean {
    return this.#root === null;
  }

  get mode(): AtRest {
    return this.#mode;
  }

  set mode(mode: AtRest) {
    this.#mode = mode;
  }

  unlock(root: Root): void {
    this.#root = root;
  }

  /** Whether what is seen by these belongs encrypted. */
  seals(visibility: Visibility): boolean {
    return this.#mode === "all" || (this.#mode === "personal" && visibility === "private");
  }

  /** @throws capacity_exceeded reason locked */
  name(cid: string, sealed: boolean): string {
    return sealed ? this.#open().diskName(cid) : hexOf(cid);
  }

  /** All names under which it can lie here, as far as that can be known now. */
  names(cid: string): [string, string] {
    const plain = hexOf(cid);
    return [plain, this.#root?.diskName(cid) ?? plain];
  }

  /** @throws capacity_exceeded reason locked */
  packChunk(cid: string, sealed: boolean, bytes: Uint8Array): Uint8Array {
    return sealed ? sealChunk(this.#open().chunkKey(cid), cid, bytes) : bytes;
  }

  /** Null for what is damaged. @throws capacity_exceeded reason locked */
  unpackChunk(cid: string, sealed: boolean, bytes: Uint8Array): Uint8Array | null {
    return sealed ? openChunk(this.#open().chunkKey(cid), cid, bytes) : bytes;
  }

  /** @throws capacity_exceeded reason locked */
  packManifest(cid: string, sealed: boolean, bytes: Uint8Array): Uint8Array {
    return sealed ? sealText(this.#open().manifestKey(cid), cid, bytes) : bytes;
  }

  /** Null for what is damaged. @throws capacity_exceeded reason locked */
  unpackManifest(cid: string, sealed: boolean, bytes: Uint8Array): Uint8Array | null {
    return sealed ? openText(this.#open().manifestKey(cid), cid, bytes) : bytes;
  }

  /** @throws capacity_exceeded reason locked */
  packLabel(name: string, sealed: boolean, label: Label): Uint8Array {
    const bytes = new TextEncoder().encode(JSON.stringify(label));
    return sealed ? sealText(this.#open().labelKey(name), name, bytes) : bytes;
  }

  /** Null when it cannot be read now. */
  unpackLabel(name: string, sealed: boolean, bytes: Uint8Array): Label | null {
    if (sealed && this.#root === null) return null;
    const plain = sealed ? openText(this.#open().labelKey(name), name, bytes) : bytes;
    return plain === null ? null : (JSON.parse(new TextDecoder().decode(plain)) as Label);
  }

  #open(): Root {
    if (this.#root === null)
      throw refuse("locked", "Private files are locked on this node. Open the store with its passphrase on the plugin's page.");
    return this.#root;
  }
}
