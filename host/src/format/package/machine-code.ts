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
/** Bytes of a file that `checkProgram` wants to see. */
export const PROGRAM_HEAD_BYTES = 20;
/** 64 bits, lowest byte first, as every machine that a node runs on. */
const ELF_64_LITTLE: readonly number[] = [0x7f, 0x45, 0x4c, 0x46, 2, 1];
const ELF_MACHINES: Readonly<Record<number, string>> = { 62: "linux-x64", 183: "linux-arm64" };
const ELF_MACHINE_AT = 18;

/** @param head  the file's first bytes */
export function isMachineCode(path: string, head: Uint8Array): boolean {
  return isCalledMachineCode(path) || BEGINNINGS.some((beginning) => startsWith(head, beginning));
}

export function isCalledMachineCode(path: string): boolean {
  return NAMES.test(path);
}

/**
 * A program is an ELF file for this kind of machine: what a system cannot run it says of in words that help nobody.
 * @param head  the file's first 20 bytes
 * @throws not_implemented program_platform
 */
export function checkProgram(head: Uint8Array, { name, platform }: { name: string; platform: string }): void {
  const found = platformOf(head);
  if (found === platform) return;
  throw new HnError("not_implemented", {
    reason: "program_platform",
    message: `The program ${name} ${found === null ? "is no ELF file for a machine of 64 bits" : `is built for ${found}`}; this is ${platform}.`,
  });
}

function platformOf(head: Uint8Array): string | null {
  if (head.byteLength < PROGRAM_HEAD_BYTES || !startsWith(head, ELF_64_LITTLE)) return null;
  const machine = (head[ELF_MACHINE_AT] ?? 0) + 256 * (head[ELF_MACHINE_AT + 1] ?? 0);
  return ELF_MACHINES[machine] ?? `another machine (ELF ${machine})`;
}

function startsWith(head: Uint8Array, beginning: readonly number[]): boolean {
  return beginning.every((byte, at) => head[at] === byte);
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
