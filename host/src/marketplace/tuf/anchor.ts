/** The root that a node's owner, or this release of the host, trusts for a registry. */
import { PROFILE_FIELD, sha256Hex } from "../../format/index.ts";
import { HnError, readFileBounded } from "../../foundation/index.ts";
import type { RegistrySource } from "../options.ts";

export const ROOT_MAX_BYTES = 512_000;

export interface Anchor {
  bytes: Uint8Array;
  sha256: string;
  /** The root names itself one for development. */
  isDevelopment: boolean;
}

/** @throws bad_request when the file cannot be used · unauthorized policy for a development root in a release */
export function readAnchor(registry: RegistrySource & { root: string }, allowDevRoot: boolean): Anchor {
  return judgeRoot(registry, { bytes: readRoot(registry), allowDevRoot });
}

/** @throws bad_request damaged · unauthorized policy for a development root in a release */
export function judgeRoot(registry: RegistrySource, o: { bytes: Uint8Array; allowDevRoot: boolean }): Anchor {
  const { bytes, allowDevRoot } = o;
  const isDevelopment = isDevelopmentRoot(bytes);
  if (isDevelopment && !allowDevRoot)
    throw new HnError("unauthorized", {
      reason: "policy",
      message: `The registry ${registry.id} is signed with development keys, which anybody may have.`,
      action: "Use a released registry, or start with `--allow-dev-root` on a machine for development.",
    });
  return { bytes, sha256: sha256Hex(bytes), isDevelopment };
}

function readRoot(registry: RegistrySource & { root: string }): Uint8Array {
  try {
    return readFileBounded(registry.root, ROOT_MAX_BYTES);
  } catch (cause) {
    throw new HnError("bad_request", {
      message: `The trusted root of the registry ${registry.id} cannot be read.`,
      action: registry.embedded === true ? "Run `npm run build`." : "Check the path of its root file in the configuration.",
      cause,
    });
  }
}

function isDevelopmentRoot(bytes: Uint8Array): boolean {
  try {
    const { signed } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed?: Record<string, unknown> };
    return signed?.[PROFILE_FIELD] === "development";
  } catch (cause) {
    throw new HnError("bad_request", { reason: "damaged", message: "The registry's root file is not readable.", cause });
  }
}
