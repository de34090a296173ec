import type { PluginManifest } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/** What a loader knows its files by: ELF, and Mach-O in its two sizes and as a bundle of both. */
const BEGINNINGS: readonly (readonly number[])[] = [
  [0x7f, 0x45, 0x4c, 0x46],
  [0xcf, 0xfa, 0xed, 0xfe],
  [0xce, 0xfa, 0xed, 0xfe],
  [0xca, 0xfe, 0xba, 0xbe],
];
/** Windows' files begin with two letters that a text may begin with as well, so there the name counts. */
const NAMES = /\.(node|so(\.\d+)*|dylib|dll|exe)$/i;
/** Bytes of a file that `isMachineCode` wants to see. */
export const MAGIC_BYTES = 4;

/** @param head  the file's first bytes */
export function isMachineCode(path: string, head: Uint8Array): boolean {
  return NAMES.test(path) || BEGINNINGS.some((beginning) => beginning.every((byte, at) => head[at] === byte));
}

/**
 * Machine code runs beyond everything that Node's permissions and V8's limits see, so it comes only with the right to it.
 * @throws bad_request native_undeclared
 * @source plugin-platform §1.4 "refused always"
 */
export function checkMachineCode({ tier }: Pick<PluginManifest, "tier">, machineCode: readonly string[]): void {
  const [first] = machineCode;
  if (first === undefined || tier.native === true) return;
  throw new HnError("bad_request", {
    reason: "native_undeclared",
    message: `The package holds machine code (${first}) and does not ask for the right to run it.`,
  });
}
