/** Everything that stands between a plugin's process and the machine. */
export * from "./argv.ts";
export * from "./canary.ts";
export * from "./cgroup.ts";
export * from "./descriptors.ts";
export * from "./evidence.ts";
export * from "./launch.ts";
export * from "./leftovers.ts";
export * from "./libraries.ts";
export * from "./machine.ts";
export * from "./process-tree.ts";
export * from "./program-file.ts";
export * from "./repairs.ts";
export * from "./seat-belt.ts";
export * from "./seccomp.ts";
