/** What all plugins of a node share, from the node's options and the rooms of its runtime. */
import { availableParallelism, totalmem } from "node:os";
import { openTopics } from "../bus/index.ts";
import type { ConfinementReport, RoleName } from "../contract/index.ts";
import { MountTable } from "../transport/index.ts";
import type { Availability, RoleHolder, SharedStore } from "./commons/index.ts";
import { sandboxLauncher, seatBeltLauncher, type Launcher, type Machine, type openSeatBelt } from "./confine/index.ts";
import { checkMounts } from "./data/index.ts";
import { IsolateHosts, type EngineVerdict } from "./isolate/index.ts";
import { PluginFiles, type Layout } from "./layout.ts";
import { SYSTEM_WAYS } from "./net/index.ts";
import type { RuntimeOptions } from "./options.ts";
import { ReleaseViews } from "./release-views.ts";
import type { SecretBox } from "./secrets.ts";
import type { Shelves } from "./shelves.ts";
import type { StoredSettings } from "./stored-settings.ts";
import type { ManagedPlugin, PluginEnvironment } from "./supervise/index.ts";

/** Share of the machine's memory that one plugin may have. */
const MEMORY_SHARE = 0.75;

export function environmentOf(o: {
  options: RuntimeOptions;
  found: { layout: Layout; machine: Machine; report: ConfinementReport; engine: EngineVerdict };
  /** Where the operating system confines nothing. */
  belt: ReturnType<typeof openSeatBelt> | null;
  rooms: Pick<PluginEnvironment, "overrides" | "journal" | "ledger" | "rights" | "logs" | "data">;
  shelves: Shelves;
  settings: StoredSettings;
  secrets: SecretBox;
  shared: SharedStore;
  availability: Availability;
  plugin: (id: string) => ManagedPlugin | undefined;
  holder: (role: RoleName) => RoleHolder | null;
  onChange: (id: string) => void;
}): PluginEnvironment {
  const { options, found, belt, rooms, shelves, settings, secrets } = o;
  const { machine, report, layout } = found;
  const { inProcess, onLaunch } = options;
  return {
    ...rooms,
    bus: options.bus,
    mounts: options.mounts ?? new MountTable(),
    clock: options.clock,
    random: options.random,
    identity: options.identity,
    report,
    launcher: watched(inProcess ?? (belt === null ? sandboxLauncher(machine) : seatBeltLauncher(machine, belt)), onLaunch),
    inProcess: inProcess !== undefined,
    isolates: new IsolateHosts(machine, found.engine, (launcher) => watched(launcher, onLaunch)),
    measures: {
      diskMb: (id) => megabytes(o.plugin(id)?.data.use?.bytes),
      egressMb: (id) => megabytes(o.plugin(id)?.session?.egress().bytesOutLastHour),
    },
    measure: options.measure,
    cores: availableParallelism(),
    maxMemoryMb: Math.max(256, Math.floor((totalmem() / 1_048_576) * MEMORY_SHARE)),
    files: (id) => new PluginFiles(layout, id),
    views: new ReleaseViews(layout.runDir),
    checkMounts: (grants) => checkMounts(grants, { dataDir: options.dataDir }),
    kv: (id) => shelves.kv(id),
    ways: { ...SYSTEM_WAYS, ...options.ways },
    egress: (id) => shelves.egress(id),
    settings: (release) => settings.of(release),
    deriveKey: (id, label) => secrets.derive(id, label),
    commons: {
      community: options.community ?? null,
      deliver: options.deliver ?? null,
      dht: options.dht ?? null,
      topics: options.topics ?? openTopics(),
      availability: o.availability,
      signer: options.signer ?? null,
      readProof: options.readProof ?? null,
      store: o.shared,
      holder: o.holder,
      grantsOf: (id) => o.plugin(id)?.session?.grants,
      show: options.showDocument ?? null,
    },
    onChange: o.onChange,
    onNotice: options.onNotice ?? (() => {}),
    admit: options.admit ?? (() => Promise.resolve()),
  };
}

function watched(launcher: Launcher, onLaunch: RuntimeOptions["onLaunch"]): Launcher {
  return onLaunch === undefined ? launcher : { launch: (spec) => onLaunch(launcher.launch(spec), spec) };
}

function megabytes(bytes: number | undefined): number | null {
  return bytes === undefined ? null : Math.round((bytes / 1_048_576) * 10) / 10;
}
