/** The system call filter of every sandbox, assembled here so that no compiled helper has to be trusted. @source plugin-platform §1.3.4 */

export type Architecture = "x64" | "arm64";

interface ArchitectureFacts {
  /** `AUDIT_ARCH_*` as the kernel reports it. */
  audit: number;
  /** First number of a second ABI with other numbers on the same architecture (x32); calls from there on end the process. */
  foreignAbi: number | null;
  clone: number;
  clone3: number;
}

const ARCHITECTURES: Record<Architecture, ArchitectureFacts> = {
  x64: { audit: 0xc000003e, foreignAbi: 0x4000_0000, clone: 56, clone3: 435 },
  arm64: { audit: 0xc00000b7, foreignAbi: null, clone: 220, clone3: 435 },
};

/** Denied with EPERM. One row per call: number on x86-64, number on arm64 (null: does not exist there). */
export const DENIED_CALLS: readonly (readonly [name: string, x64: number, arm64: number | null])[] = [
  // Sockets of every family: the one link that a plugin has is inherited.
  ["socket", 41, 198],
  // Other processes' memory and registers.
  ["ptrace", 101, 117],
  ["process_vm_readv", 310, 270],
  ["process_vm_writev", 311, 271],
  ["kcmp", 312, 272],
  ["pidfd_getfd", 438, 438],
  // Mounts and namespaces.
  ["mount", 165, 40],
  ["umount2", 166, 39],
  ["pivot_root", 155, 41],
  ["chroot", 161, 51],
  ["unshare", 272, 97],
  ["setns", 308, 268],
  ["open_tree", 428, 428],
  ["move_mount", 429, 429],
  ["fsopen", 430, 430],
  ["fsconfig", 431, 431],
  ["fsmount", 432, 432],
  ["fspick", 433, 433],
  ["mount_setattr", 442, 442],
  ["open_by_handle_at", 304, 265],
  // Kernel surfaces that no plugin needs and that exploits start from.
  ["bpf", 321, 280],
  ["perf_event_open", 298, 241],
  ["userfaultfd", 323, 282],
  ["io_uring_setup", 425, 425],
  ["io_uring_enter", 426, 426],
  ["io_uring_register", 427, 427],
  ["keyctl", 250, 219],
  ["add_key", 248, 217],
  ["request_key", 249, 218],
  ["modify_ldt", 154, null],
  ["iopl", 172, null],
  ["ioperm", 173, null],
  // The machine itself.
  ["init_module", 175, 105],
  ["finit_module", 313, 273],
  ["delete_module", 176, 106],
  ["kexec_load", 246, 104],
  ["kexec_file_load", 320, 294],
  ["reboot", 169, 142],
  ["swapon", 167, 224],
  ["swapoff", 168, 225],
  ["acct", 163, 89],
  ["settimeofday", 164, 170],
  ["clock_settime", 227, 112],
  ["syslog", 103, 116],
];

/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NEW_ANY = 0x7e020080;

const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const errno = (value: number): number => 0x0005_0000 | value;
const EPERM = 1;
const ENOSYS = 38;

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_EQUAL = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Offsets in `struct seccomp_data`. */
const NUMBER = 0;
const AUDIT_ARCH = 4;
const FIRST_ARGUMENT = 16;

interface Instruction {
  code: number;
  k: number;
  /** Where to go when the comparison holds; the next instruction otherwise. */
  to?: "kill" | "deny" | "clone" | "enosys";
}

/**
 * The filter as `bwrap --seccomp` reads it: 8 bytes an instruction, little endian.
 * Order: wrong architecture or second ABI ends the process, `clone3` claims not to exist (libc falls back to `clone`, whose flags can be
 * read), `clone` into a new namespace and the table above get EPERM, the rest passes.
 */
export function seccompProgram(architecture: Architecture): Uint8Array {
  const facts = ARCHITECTURES[architecture];
  const column = architecture === "x64" ? 1 : 2;
  const body: Instruction[] = [{ code: LOAD, k: NUMBER }];
  if (facts.foreignAbi !== null) body.push({ code: JUMP_GREATER_EQUAL, k: facts.foreignAbi, to: "kill" });
  body.push({ code: JUMP_EQUAL, k: facts.clone3, to: "enosys" }, { code: JUMP_EQUAL, k: facts.clone, to: "clone" });
  for (const row of DENIED_CALLS) {
    const number = row[column];
    if (number !== null) body.push({ code: JUMP_EQUAL, k: number, to: "deny" });
  }
  body.push({ code: RETURN, k: ALLOW });
  const labels = { clone: body.length, deny: body.length + 3, enosys: body.length + 4, kill: body.length + 5 };
  body.push(
    { code: LOAD, k: FIRST_ARGUMENT },
    { code: JUMP_ANY_BIT, k: CLONE_NEW_ANY, to: "deny" },
    { code: RETURN, k: ALLOW },
    { code: RETURN, k: errno(EPERM) },
    { code: RETURN, k: errno(ENOSYS) },
    { code: RETURN, k: KILL_PROCESS },
  );
  const bytes = new Uint8Array((body.length + 3) * 8);
  const view = new DataView(bytes.buffer);
  const put = (at: number, [code, jumpTrue, jumpFalse, k]: readonly [number, number, number, number]): void => {
    view.setUint16(at * 8, code, true);
    view.setUint8(at * 8 + 2, jumpTrue);
    view.setUint8(at * 8 + 3, jumpFalse);
    view.setUint32(at * 8 + 4, k, true);
  };
  put(0, [LOAD, 0, 0, AUDIT_ARCH]);
  put(1, [JUMP_EQUAL, 1, 0, facts.audit]);
  put(2, [RETURN, 0, 0, KILL_PROCESS]);
  body.forEach((instruction, index) => {
    const jump = instruction.to === undefined ? 0 : labels[instruction.to] - index - 1;
    put(index + 3, [instruction.code, jump, 0, instruction.k]);
  });
  return bytes;
}
