/** The label of a running plugin is what the kernel says about its process, never what was asked for. @source plugin-platform §1.4 */
import { readFileSync, readlinkSync } from "node:fs";
import type { ConfinementEvidence, ConfinementLabel, Remark, RemarkId } from "../../contract/index.ts";
import { cgroupFolder, groupOf } from "./cgroup.ts";
import { processTree } from "./process-tree.ts";

const NAMESPACES = ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup"] as const;
/** Without any one of these there is no boundary; `user` is missing when the daemon is root, which changes the uid for real instead. */
const NEEDED = ["mnt", "pid", "net", "ipc"];

export interface EvidenceSource {
  read(path: string): string | null;
  link(path: string): string | null;
}

export const procSource: EvidenceSource = {
  read(path) {
    try {
      return readFileSync(path, "latin1");
    } catch {
      return null;
    }
  },
  link(path) {
    try {
      return readlinkSync(path);
    } catch {
      return null;
    }
  },
};

/** The plugin's own node process below the launcher: the one whose command line starts with `/node`, or the launcher itself. */
export function findNodeProcess(launcherPid: number, sandboxed: boolean): number | null {
  if (!sandboxed) return launcherPid;
  return processTree(launcherPid).find((pid) => procSource.read(`/proc/${pid}/cmdline`)?.startsWith("/node\0") === true) ?? null;
}

/** Collects the facts about one process and names the label they prove. */
export function collectEvidence(pid: number, daemonIsRoot: boolean, source: EvidenceSource = procSource): ConfinementEvidence {
  const status = source.read(`/proc/${pid}/status`);
  const commandLine = source.read(`/proc/${pid}/cmdline`) ?? "";
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status ?? "")?.[1] ?? "";
  const number = (name: string): number => (field(name) === "" ? -1 : Number(field(name)));
  const namespaces = NAMESPACES.filter((name) => {
    const theirs = source.link(`/proc/${pid}/ns/${name}`);
    return theirs !== null && theirs !== source.link(`/proc/self/ns/${name}`);
  });
  const evidence: ConfinementEvidence = {
    label: "none",
    pid,
    seccomp: number("Seccomp"),
    noNewPrivs: number("NoNewPrivs"),
    // A copy: a piece of the text would hold on to the whole of it for as long as the evidence is kept.
    capEff: Buffer.from(field("CapEff")).toString("latin1"),
    hostUid: number("Uid"),
    namespaces,
    cgroup: ownGroup(pid, source),
    remarks: [],
  };
  const permissionModel = commandLine.split("\0").includes("--permission");
  return {
    ...evidence,
    ...judge(evidence, { daemonIsRoot, permissionModel, alive: status !== null, hardLimits: hasLimits(evidence.cgroup, source) }),
  };
}

/** A group that it does not share with the daemon. */
function ownGroup(pid: number, source: EvidenceSource): string | null {
  const group = groupOf(source.read(`/proc/${pid}/cgroup`));
  return group === null || group === "/" || group === groupOf(source.read("/proc/self/cgroup")) ? null : group;
}

/** The kernel holds it to numbers, not to "max". */
function hasLimits(group: string | null, source: EvidenceSource): boolean {
  const folder = group === null ? null : cgroupFolder(source.read("/proc/self/mountinfo"), group);
  return folder !== null && ["memory.max", "pids.max"].every((name) => /^\d+\s*$/.test(source.read(`${folder}/${name}`) ?? ""));
}

interface Circumstances {
  daemonIsRoot: boolean;
  permissionModel: boolean;
  alive: boolean;
  hardLimits: boolean;
}

/** Which label the facts prove, with every reason why it is not a higher one. */
export function judge(
  facts: ConfinementEvidence,
  { daemonIsRoot, permissionModel, alive, hardLimits }: Circumstances,
): { label: ConfinementLabel; remarks: Remark[] } {
  const remarks: Remark[] = [];
  const missing = (condition: boolean, id: RemarkId, found = ""): void => {
    if (condition) remarks.push({ id, found });
  };
  if (!alive) return { label: permissionModel ? "seat-belt" : "none", remarks: [{ id: "no_proc", found: "" }] };
  missing(facts.seccomp !== 2, "no_filter");
  missing(facts.noNewPrivs !== 1, "new_privileges");
  missing(!/^0+$/.test(facts.capEff), "capabilities", facts.capEff);
  missing(facts.hostUid === 0, "root");
  const shared = [...NEEDED, ...(daemonIsRoot ? [] : ["user"])].filter((name) => !facts.namespaces.includes(name));
  missing(shared.length > 0, "shared", shared.join(", "));
  missing(!permissionModel, "no_permission_model");
  if (remarks.length === 0) {
    return {
      label: hardLimits ? "os+cgroup" : "os",
      remarks: [
        ...(hardLimits ? [] : [{ id: "soft_limits", found: "" } as const]),
        ...(daemonIsRoot ? [{ id: "daemon_root", found: "" } as const] : []),
      ],
    };
  }
  if (permissionModel && facts.hostUid !== 0) return { label: "seat-belt", remarks };
  return { label: "none", remarks };
}
