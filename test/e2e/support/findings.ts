import {
  ERRORS,
  LOCAL_ERRORS,
  REASONS,
  REPAIR_TEXTS,
  type FoundValues,
  type HealthCheck,
  type HealthFinding,
  type LocalError,
  type RepairId,
} from "@hearthnet/host/contract";

const AT = Date.UTC(2026, 6, 1);
/** Marks English that the node says and the page must not. */
export const NODE_ENGLISH = "The node says this in English.";

/** One example of everything a check can find, so that a new finding without one is a type error. */
const EXAMPLES: { [C in Exclude<keyof FoundValues, "plugin" | "repair">]: FoundValues[C] } = {
  runtime_fits: { version: "26.10.0", platform: "linux-x64" },
  runtime_foreign: { version: "20.1.0", platform: "linux-x64" },
  data_private: { dir: "/home/anna/hearthnet" },
  data_readable: { dir: "/home/anna/hearthnet" },
  data_none: { dir: "/home/anna/hearthnet" },
  disk_room: { freeBytes: 40e9 },
  disk_low: { freeBytes: 1e9 },
  disk_full: { freeBytes: 1e8 },
  clock_right: { now: AT },
  clock_behind: { now: 0, built: AT },
  confined: { label: "os", held: 10, probes: 10 },
  unconfined: { label: "seat-belt", repair: { id: "bwrap", found: "" } },
  addresses: { bus: "https://127.0.0.1:7080", page: "http://hearth.localhost:7860" },
  catalogue_unread: {},
  catalogue_current: { days: 3, devRoot: true },
  catalogue_stale: { days: 40, devRoot: false },
  registry_read: { id: "dorf", source: "https://dorf.example", namespaces: "dorf", days: 3 },
  registry_unread: { id: "dorf", source: "https://dorf.example", namespaces: "dorf" },
  catalogue_silent: { registries: [{ id: "dorf", error: { error: "partition", reason: "unreachable", message: NODE_ENGLISH } }] },
  data_filling: { id: "dorf/notes", usedBytes: 60e6, limitBytes: 64e6 },
  neighbours: { online: 1, known: 2 },
  givers: { names: "Anna, Ben" },
  givers_unasked: {},
  no_community: {},
  key_conflict: { node: "ed25519:AOQQ-PP7T-ZYIL-4", own: true },
};

/** Every finding, every repair, and a plugin that was refused for every code and reason there is. */
export function everyCheck(): HealthCheck[] {
  const repairs = (Object.keys(REPAIR_TEXTS) as RepairId[]).flatMap((id) =>
    ["", "0.7.0"].map((found): HealthFinding => ({ code: "repair", values: { id, found } })),
  );
  const refusals: LocalError[] = [
    ...[...Object.keys(ERRORS), ...Object.keys(LOCAL_ERRORS)].map((error) => ({ error }) as LocalError),
    ...Object.keys(REASONS).map((reason): LocalError => ({ error: "internal_error", reason })),
  ];
  const plugins = refusals.map((error, i): HealthFinding => ({
    code: "plugin",
    values: {
      id: `dorf/p${i}`,
      name: { en: "A foreign thing", de: "Etwas Fremdes" },
      state: "start_failed",
      error: { ...error, message: NODE_ENGLISH, action: NODE_ENGLISH },
    },
  }));
  const plain = Object.entries(EXAMPLES).map(([code, values]) => ({ code, values }) as HealthFinding);
  return [...plain, ...repairs, ...plugins].map((finding, i) => ({
    id: `${finding.code}.${i}`,
    state: (["ok", "warn", "bad"] as const)[i % 3] ?? "ok",
    title: NODE_ENGLISH,
    detail: NODE_ENGLISH,
    fix: NODE_ENGLISH,
    finding,
  }));
}
