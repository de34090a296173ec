/** What one life of a plugin is given, from what all plugins of the node share. */
import type { PluginLimits } from "../../contract/index.ts";
import { Session, type OpUse, type SessionOptions } from "../broker/index.ts";
import { HOST_MEMORY_MB, HOST_PIDS, WATCHDOG_MS } from "../isolate/index.ts";
import { Frames } from "../logs/index.ts";
import type { EgressMeter } from "../net/index.ts";
import type { CallBudget } from "../quota/index.ts";
import type { PluginEnvironment } from "./environment.ts";
import type { StartFacts } from "./managed-plugin.ts";
import type { ReleaseView } from "../release-views.ts";
import { pluginSpec, workerSpec } from "./specs.ts";

interface Life {
  environment: PluginEnvironment;
  facts: StartFacts;
  /** Folder behind `/data`; null without `fs.data`. */
  dataDir: string | null;
  limits: Required<PluginLimits>;
  isolated: boolean;
  budget: CallBudget;
  /** What the plugin's supervisor hears of. */
  happens: Pick<SessionOptions, "onHealth" | "onAtCap" | "onOutcome" | "onEnding" | "onEnd">;
}

/** Begins one life; what it sees of its assets is there as long as it lasts. @throws Error when the process cannot be started at all */
export function openSession(o: Life): Session {
  const { environment, facts } = o;
  environment.files(facts.release.id).dropOldAssetView();
  const view = environment.views.open(facts.release);
  try {
    return new Session(sessionOptions(o, view));
  } catch (error) {
    view.close();
    throw error;
  }
}

function sessionOptions(o: Life, view: ReleaseView): SessionOptions {
  const { assetsDir } = view;
  const { environment, facts, dataDir, limits, isolated, budget, happens } = o;
  const { release } = facts;
  const { id } = release;
  const now = (): number => environment.clock.now();
  const frames = new Frames(release.dir);
  const ledger = (verdict: "allow" | "deny" | "quota" | "simulate") => (use: OpUse) =>
    environment.ledger.add({ plugin: id, release: release.version, verdict, ...use });
  return {
    release,
    grants: facts.grants,
    config: facts.config ?? {},
    launcher: isolated ? environment.isolates.launcher(release) : environment.launcher,
    ...(isolated ? { watchdogMs: WATCHDOG_MS } : {}),
    workerLauncher: environment.launcher,
    spec: pluginSpec({ facts, limits, assetsDir, dataDir, report: environment.report, now }),
    workerSpec: (worker) =>
      workerSpec({ facts, worker, assetsDir, report: environment.report, maxMemoryMb: environment.maxMemoryMb, now }),
    program: (exec) => view.program(exec),
    limits: isolated ? { ...limits, memoryMb: HOST_MEMORY_MB, pids: HOST_PIDS } : limits,
    expectedLabel: environment.report.label,
    cores: environment.cores,
    ...(environment.measure === undefined ? {} : { measure: environment.measure }),
    bus: environment.bus,
    mounts: environment.mounts,
    clock: environment.clock,
    identity: environment.identity,
    kv: () => environment.kv(id),
    ways: environment.ways,
    egress: metered(environment.egress(id), limits.egressMbPerHour),
    settings: () => environment.settings(release),
    deriveKey: (label) => environment.deriveKey(id, label),
    onLine: ({ source, level, text }) => environment.logs.add(id, { source, level, message: frames.map(text) }),
    budget,
    commons: environment.commons,
    onDenied: ledger("deny"),
    onQuota: ledger("quota"),
    onAllowed: ledger("allow"),
    onPanel: ({ panel, method }, verdict) =>
      ledger(verdict)({
        op: "panel.call",
        permission: "ui.panel",
        target: `${panel} ${method}`,
        bytesIn: 0,
        bytesOut: 0,
        denied: verdict === "deny",
        trace: "",
        via: "panel",
      }),
    onSimulated: ledger("simulate"),
    ask: (question) => environment.rights.ask(id, question),
    trial: () => environment.rights.trials.recorder(id),
    onNotify: (title, body) => environment.onNotice({ plugin: id, title, body }),
    ...happens,
    onEnd: (end) => {
      view.close();
      happens.onEnd(end);
    },
  };
}

function metered(meter: EgressMeter, mbPerHour: number): EgressMeter {
  meter.limitBytes = mbPerHour * 1_048_576;
  return meter;
}
