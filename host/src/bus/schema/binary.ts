import { decodeBase64url, HnError } from "../../foundation/index.ts";
import type { Path } from "./pointer.ts";

type Node = { [key: string]: unknown };

/** Length that `bytes` would have as base64url without padding. */
export function encodedLength(bytes: Uint8Array): number {
  return Math.ceil((bytes.byteLength * 4) / 3);
}

/** The value as the schema sees it: every `Uint8Array` at a binary path stands as text of its would-be length. The value itself is not touched. */
export function shadow(value: unknown, paths: Path[]): unknown {
  return paths.reduce(
    (root, path) => replaceAt(root, path, (leaf) => (leaf instanceof Uint8Array ? "A".repeat(encodedLength(leaf)) : leaf)),
    value,
  );
}

/**
 * Turns the text at binary paths into bytes; bytes stay bytes. Containers on the way are copied, everything else is shared.
 * @throws bad_request when a text is not base64url without padding
 * @source plugin-platform §4 "Binary path", 00 G-4
 */
export function decodeBinary<T>(value: T, paths: Path[]): T {
  return paths.reduce<unknown>(
    (root, path) => replaceAt(root, path, (leaf) => (typeof leaf === "string" ? decodeLeaf(leaf, path) : leaf)),
    value,
  ) as T;
}

function decodeLeaf(text: string, path: Path): Uint8Array {
  try {
    return decodeBase64url(text);
  } catch (cause) {
    throw new HnError("bad_request", {
      message: `The field /${path.join("/")} is not base64url without padding. Encode the bytes that way and send it again.`,
      cause,
    });
  }
}

function replaceAt(root: unknown, path: Path, change: (leaf: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(root);
  if (typeof root !== "object" || root === null || root instanceof Uint8Array || !Object.hasOwn(root, key)) return root;
  const child = (root as Node)[key];
  const changed = replaceAt(child, rest, change);
  if (changed === child) return root;
  if (Array.isArray(root)) return root.with(Number(key), changed);
  const copy: Node = { ...(root as Node) };
  copy[key] = changed;
  return copy;
}
