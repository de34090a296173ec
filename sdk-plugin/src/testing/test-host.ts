import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Grant, JsonObject, PluginManifest, PluginStatus } from "@hearthnet/host/contract";
import { requested } from "@hearthnet/host/format";
import { openPluginHost, type Bus, type PluginHost } from "@hearthnet/host/plugin-host";
import { openProject, type Project } from "../commands/project.ts";
import { testCommunity, wishedCommunity } from "./community.ts";
import { askRoute } from "./doors.ts";
import type { FakeClock } from "./fake-clock.ts";
import { inProcessLauncher } from "./in-process.ts";
import { askedMode, type Mode } from "./modes.ts";
import type { CallInput, StreamAs, TestCommunity, TestHost, TestHostOptions, TestStream, UpdateOptions } from "./options.ts";
import { networkOf } from "./network.ts";
import { Processes } from "./processes.ts";
import { findRunner } from "./runner-path.ts";
import { openTestSocket } from "./socket.ts";
import { stagedRelease } from "./staged-release.ts";
import { offerStubs, type Line } from "./stubs.ts";

const LOG_LINES = 500;
const POLL_MS = 2;
/** Real time; a host that follows a fake clock gives up a cancelled call only when that clock moves. */
const LET_GO_MS = 2000;
/** Less than a byte, so that nothing fits any more; zero would mean the default. */
const FULL_MB = Number.MIN_VALUE;

interface Stage {
  host: PluginHost;
  manifest: PluginManifest;
  mode: Mode;
  processes: Processes;
  /** To everybody else. */
  line: Line;
  clock: FakeClock | undefined;
  root: string;
  /** Releases staged so far. */
  releases: number;
}

/**
 * Builds the plugin and starts it under the real runtime.
 *
 * @example
 * const host = await createTestHost({ dir: "../hello", mode: "inproc" });
 * const { output } = await host.call("ext.acme.hello.greet@1.0", { input: { name: "Ada" } }, { as: "trusted" });
 * await host.close();
 * @throws Refusal of `pack` · Error with the plugin's own log when it does not start
 */
export async function createTestHost(options: TestHostOptions = {}): Promise<TestHost> {
  const found = openProject({ args: [options.dir ?? "."], cwd: process.cwd() });
  const project = { ...found, manifest: options.manifest ?? found.manifest };
  const { manifest } = project;
  const mode = askedMode() ?? options.mode ?? "confined";
  const { clock } = options;
  const root = mkdtempSync(join(tmpdir(), "hearthnet-plugin-test-"));
  chmodSync(root, 0o755);
  const processes = new Processes();
  const runnerPath = findRunner();
  const host = await openPluginHost({
    dataDir: join(root, "data"),
    runnerPath,
    onLaunch: processes.onLaunch,
    ways: networkOf(options.network),
    ...wishedCommunity(options.community, manifest),
    ...wishedDht(options.dht),
    ...(clock === undefined ? {} : { clock }),
    ...(mode === "inproc" ? { inProcess: inProcessLauncher(runnerPath) } : {}),
  });
  const stage: Stage = { host, manifest, mode, processes, line: { cut: false }, clock, root, releases: 0 };
  try {
    stage.line = offerStubs(host.bus, options.capabilities ?? {});
    for (const dir of options.beside ?? []) await stageBeside(stage, openProject({ args: [dir], cwd: process.cwd() }));
    let status = await stageRelease(stage, project, options.grants);
    if (options.config !== undefined) {
      await host.runtime.setConfig(manifest.id, options.config, { ...options.secrets });
      status = host.runtime.get(manifest.id) ?? status;
    }
    if (status.state !== "active") throw new Error(`${manifest.id} did not start: ${status.state}\n${textOf(host, manifest.id)}`);
  } catch (error) {
    await close(stage);
    throw error;
  }
  return testHost(stage);
}

async function stageRelease(
  stage: Stage,
  project: Project,
  grants: TestHostOptions["grants"] = "manifest",
): Promise<PluginStatus> {
  const place = stage.releases;
  stage.releases += 1;
  const root = join(stage.root, `release-${place}`);
  mkdirSync(root, { mode: 0o755 });
  const release = await stagedRelease(project, { root, place, sourceMaps: stage.mode === "inproc" });
  return stage.host.runtime.stage(release, grants === "manifest" ? everything(project.manifest) : grants);
}

async function stageBeside(stage: Stage, project: Project): Promise<void> {
  const { id } = project.manifest;
  const { state } = await stageRelease(stage, project);
  if (state !== "active") throw new Error(`${id} did not start: ${state}\n${textOf(stage.host, id)}`);
}

async function update(stage: Stage, { dir, grants }: UpdateOptions): Promise<PluginStatus> {
  const project = openProject({ args: [dir], cwd: process.cwd() });
  const { id } = stage.manifest;
  if (project.manifest.id !== id) throw new Error(`${dir} holds ${project.manifest.id}, which is no version of ${id}.`);
  const status = await stageRelease(stage, project, grants);
  stage.manifest = project.manifest;
  return status;
}

function testHost(stage: Stage): TestHost {
  const { host, mode, processes } = stage;
  const { id, kind } = stage.manifest;
  const { runtime, bus } = host;
  let community: TestCommunity | undefined;
  const status = (): PluginStatus => {
    const found = runtime.get(id);
    if (found === undefined) throw new Error(`${id} is not there any more`);
    return found;
  };
  const allow = (permission: string, mode_: Grant["mode"]): Promise<void> =>
    regrant((grant) => (grant.permission === permission ? { ...grant, mode: mode_ } : grant));
  const regrant = (change: (grant: Grant) => Grant): Promise<void> => runtime.setGrants(id, runtime.grants(id).map(change));
  return {
    get manifest() {
      return stage.manifest;
    },
    mode,
    get community() {
      if (host.community === undefined)
        throw new Error("The node belongs to no community. Ask for one: createTestHost({ community: true }).");
      return (community ??= testCommunity(host.community));
    },
    get dht() {
      if (host.dht === undefined)
        throw new Error("The node takes no part in the DHT. Ask for it: createTestHost({ dht: true }).");
      return host.dht;
    },
    status,
    label: () => status().label,
    call: (ref, body, options = {}) => bus.call(request(host, { ref, body, options })),
    stream: (ref, body, options = {}) => openStream(stage, { ref, body, options }),
    http: (address, ask = {}) => askRoute(host, address, ask),
    socket: (path, ask = {}) => openTestSocket(host, path, ask),
    panel: (panel, method, input = null) =>
      runtime.panel(id, { panel, method, input }, { requestId: "test-panel", signal: new AbortController().signal }),
    inFlight: () => runtime.inFlight(id),
    workers: () => processes.workers,
    grants: () => runtime.grants(id).filter((grant) => grant.mode === "allow"),
    revoke: (permission) => allow(permission, "deny"),
    grant: (permission) => allow(permission, "allow"),
    config: () => runtime.config(id).value,
    configure: async (value) => (await runtime.setConfig(id, value, {})).result,
    requestSchema: (ref) =>
      bus
        .entries({ name: ref.split("@")[0] ?? "" })
        .find((entry) => `${entry.descriptor.name}@${entry.descriptor.version.join(".")}` === ref)?.descriptor.request_schema ??
      null,
    logs: () => runtime.logs(id, { limit: LOG_LINES }),
    kill9: () =>
      new Promise((resolve, reject) => {
        if (kind !== "service") return reject(new Error(`A plugin of kind ${kind} has no process that could be killed.`));
        const forget = runtime.onChange((change) => {
          if (change.id !== id || change.state === "active") return;
          forget();
          resolve();
        });
        processes.kill9();
      }),
    stallFd3: (ms) => {
      const { link } = processes;
      link?.hold();
      host.clock.setTimeout(() => link?.release(), ms);
    },
    fillDisk: async () => {
      if (!runtime.grants(id).some(({ permission }) => permission === "storage.kv"))
        throw new Error("The plugin has no storage.kv, and nothing else can be filled here.");
      await regrant((grant) =>
        grant.permission === "storage.kv" ? { ...grant, scope: { ...grant.scope, quotaMb: FULL_MB } } : grant,
      );
    },
    offline: () => {
      cut(stage, true);
      return () => cut(stage, false);
    },
    restart: () => runtime.restart(id),
    update: (next) => update(stage, next),
    close: () => close(stage),
  };
}

function wishedDht(wish: TestHostOptions["dht"]): { dht?: { advertises: boolean } } {
  if (wish === undefined || wish === false) return {};
  return { dht: { advertises: wish === true || wish.advertise !== false } };
}

function cut({ line, host }: Stage, isCut: boolean): void {
  line.cut = isCut;
  if (host.community !== undefined) host.community.village.isCut = isCut;
  if (host.dht !== undefined) host.dht.isCut = isCut;
}

interface Asked {
  ref: string;
  body: CallInput;
  options: StreamAs;
}

function request(host: PluginHost, { ref, body, options: { as, timeoutMs, signal, frames } }: Asked): Parameters<Bus["call"]>[0] {
  const [capability = "", version = "1.0"] = ref.split("@");
  const [major = 1, minor = 0] = version.split(".").map(Number);
  return {
    capability,
    version: [major, minor],
    body: { params: (body.params ?? {}) as JsonObject, input: (body.input ?? {}) as JsonObject },
    caller: host.as(as ?? "member"),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(signal === undefined ? {} : { signal }),
    ...(frames === undefined ? {} : { frames }),
  };
}

function openStream({ host, manifest }: Stage, asked: Asked): TestStream {
  const left = new AbortController();
  const { signal } = asked.options;
  const either = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
  const frames = host.bus.stream(request(host, { ...asked, options: { ...asked.options, signal: either } }));
  return Object.assign(frames, {
    async cancel() {
      const open = host.runtime.inFlight(manifest.id);
      left.abort(new DOMException("The test has cancelled the stream.", "AbortError"));
      await frames.return({}).catch(() => {});
      const end = performance.now() + LET_GO_MS;
      while (open > 0 && host.runtime.inFlight(manifest.id) >= open) {
        if (performance.now() > end)
          throw new Error("The plugin holds on to the cancelled call. With a fake clock, move it on by 200 ms before waiting.");
        await pause(POLL_MS);
      }
    },
  });
}

async function close({ host, clock, processes, root }: Stage): Promise<void> {
  processes.link?.release();
  // Whoever does not leave when asked is ended after a time, which a fake clock has to reach.
  const hurry = clock === undefined ? undefined : setInterval(() => clock.advance(1000), 50);
  try {
    await host.close();
  } finally {
    clearInterval(hurry);
    // Coverage is counted after the test's process has ended, and needs the bundle then.
    rmSync(process.env["NODE_V8_COVERAGE"] === undefined ? root : join(root, "data"), { recursive: true, force: true });
  }
}

function everything(manifest: PluginManifest): Grant[] {
  return requested([...manifest.permissions, ...(manifest.optionalPermissions ?? [])]).map((right) => ({
    ...right,
    mode: "allow",
    grantedBy: "operator",
    at: 0,
  }));
}

function textOf(host: PluginHost, id: string): string {
  return host.runtime
    .logs(id, { limit: 20 })
    .map(({ level, message }) => `${level} ${message}`)
    .join("\n");
}
