/** Confinement labels and their evidence. @source plugin-platform §1.4 */
export type ConfinementLabel = "os+cgroup" | "os" | "seat-belt" | "none";

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
  remarks: string[];
}

/** What this machine can give, found by the canary at boot. */
export interface ConfinementReport {
  label: ConfinementLabel;
  /** Ten probes of the canary, each with its outcome. */
  probes: { id: string; ok: boolean; detail: string }[];
  /** One sentence each: what is missing and how to mend it. */
  repairs: { id: string; title: string; fix: string }[];
  asRoot: boolean;
  bwrapVersion: string | null;
}
