import assert from "node:assert/strict";
import { test } from "node:test";
import { collectEvidence, type EvidenceSource } from "../../../src/runtime/confine/index.ts";

interface Facts {
  seccomp: number;
  noNewPrivs: number;
  capEff: string;
  uid: number;
  shared: string[];
  permission: boolean;
  alive: boolean;
  /** Group of the plugin, and what its limits are. */
  group?: string;
  max?: string;
}
const GOOD: Facts = {
  seccomp: 2,
  noNewPrivs: 1,
  capEff: "0000000000000000",
  uid: 65_534,
  shared: [],
  permission: true,
  alive: true,
};

function source(facts: Facts): EvidenceSource {
  return {
    read(path) {
      if (!facts.alive && path.endsWith("/status")) return null;
      if (path.endsWith("/status")) {
        return `Name:\tnode\nUid:\t${facts.uid}\t${facts.uid}\t${facts.uid}\t${facts.uid}\nCapEff:\t${facts.capEff}\nNoNewPrivs:\t${facts.noNewPrivs}\nSeccomp:\t${facts.seccomp}\n`;
      }
      if (path.endsWith("/cmdline"))
        return facts.permission ? "/node\0--permission\0/runner/runner.cjs\0" : "/node\0/runner/runner.cjs\0";
      if (path === "/proc/self/cgroup") return "0::/hearthnet-node\n";
      if (path === "/proc/self/mountinfo") return "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
      if (path === "/sys/fs/cgroup/plugin-1/pids.max") return "34\n";
      if (path === "/sys/fs/cgroup/plugin-1/memory.max") return facts.max ?? "268435456\n";
      if (path === "/sys/fs/cgroup/hearthnet-node/memory.max") return "268435456\n";
      return path.endsWith("/cgroup") ? `0::${facts.group ?? "/"}\n` : null;
    },
    link: (path) => (path.startsWith("/proc/self") || facts.shared.some((name) => path.endsWith(`/${name}`)) ? "same" : "own"),
  };
}

/** What the kernel says → the label, for a daemon that is root and one that is not. */
const ROWS: [name: string, facts: Partial<Facts>, asUser: string, asRoot: string][] = [
  ["everything in place", {}, "os", "os"],
  ["a group with limits", { group: "/plugin-1" }, "os+cgroup", "os+cgroup"],
  ["a group without a limit", { group: "/plugin-1", max: "max\n" }, "os", "os"],
  ["the daemon's own group, whatever its limits", { group: "/hearthnet-node" }, "os", "os"],
  ["a group with limits, but no filter", { group: "/plugin-1", seccomp: 0 }, "seat-belt", "seat-belt"],
  ["no filter", { seccomp: 0 }, "seat-belt", "seat-belt"],
  ["strict mode is not our filter", { seccomp: 1 }, "seat-belt", "seat-belt"],
  ["new privileges possible", { noNewPrivs: 0 }, "seat-belt", "seat-belt"],
  ["a capability left", { capEff: "0000000000000080" }, "seat-belt", "seat-belt"],
  ["root on the host", { uid: 0 }, "none", "none"],
  ["network shared", { shared: ["net"] }, "seat-belt", "seat-belt"],
  ["mounts shared", { shared: ["mnt"] }, "seat-belt", "seat-belt"],
  ["processes shared", { shared: ["pid"] }, "seat-belt", "seat-belt"],
  ["ipc shared", { shared: ["ipc"] }, "seat-belt", "seat-belt"],
  ["no user namespace of its own", { shared: ["user"] }, "seat-belt", "os"],
  ["no permission model", { permission: false }, "none", "none"],
  [
    "nothing at all",
    { seccomp: 0, noNewPrivs: 0, permission: false, shared: ["mnt", "pid", "net", "ipc", "user"] },
    "none",
    "none",
  ],
  ["the process is gone", { alive: false, permission: false }, "none", "none"],
];

for (const [name, facts, asUser, asRoot] of ROWS) {
  test(`label from evidence: ${name} (§1.4)`, () => {
    const kernel = source({ ...GOOD, ...facts });
    assert.equal(collectEvidence(1, false, kernel).label, asUser);
    assert.equal(collectEvidence(1, true, kernel).label, asRoot);
  });
}

test("says why the label is not higher", () => {
  const { remarks } = collectEvidence(1, false, source({ ...GOOD, seccomp: 0, shared: ["net"] }));
  assert.deepEqual(remarks, [
    { id: "no_filter", found: "" },
    { id: "shared", found: "net" },
  ]);
});
