/** Confinement labels and their evidence. @source plugin-platform §1.4 */
export type ConfinementLabel = "os+cgroup" | "os" | "seat-belt" | "none";

/** What the canary tries, by the number of the attack. */
export type ProbeId = "A01" | "A02" | "A04" | "A05-tcp" | "A05-udp" | "A05-unix" | "A07" | "A09" | "A10" | "A11";
/** What is missing for confinement. */
export type RepairId =
  "bwrap" | "bwrap_version" | "prlimit" | "setpriv" | "architecture" | "platform" | "apparmor" | "userns" | "sandbox" | "root";
/** Why a plugin's label is not higher. */
export type RemarkId =
  | "no_proc"
  | "no_filter"
  | "new_privileges"
  | "capabilities"
  | "root"
  | "shared"
  | "no_permission_model"
  | "soft_limits"
  | "daemon_root"
  | "in_process";

/** `found`: a version, a name, or what a program said; empty where there is nothing to say. */
export interface Repair {
  id: RepairId;
  found: string;
}
export interface Remark {
  id: RemarkId;
  found: string;
}

/** Read from /proc after start, never from configuration. */
export interface ConfinementEvidence {
  label: ConfinementLabel;
  /** Host pid of the plugin's node process. */
  pid: number;
  seccomp: number;
  noNewPrivs: number;
  capEff: string;
  hostUid: number;
  /** Namespaces that differ from the daemon's. */
  namespaces: string[];
  cgroup: string | null;
  /** Why the label is not higher; empty when it is the best. */
  remarks: Remark[];
}

/** What this machine can give, found by the canary at boot. */
export interface ConfinementReport {
  label: ConfinementLabel;
  /** Ten probes of the canary; `outcome` is what the system answered: an error's code, or that it worked. */
  probes: { id: ProbeId; ok: boolean; outcome: string }[];
  /** What is missing, most needed first. */
  repairs: Repair[];
  asRoot: boolean;
  bwrapVersion: string | null;
}
