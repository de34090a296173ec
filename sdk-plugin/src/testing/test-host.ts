import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type {
  ConfinementLabel,
  Frame,
  Grant,
  JsonObject,
  PluginLogLine,
  PluginManifest,
  PluginStatus,
  TrustLevel,
} from "@hearthnet/host/contract";
import { requested } from "@hearthnet/host/format";
import { openPluginHost, type PluginHost, type StoredRelease } from "@hearthnet/host/plugin-host";
import { findAssets } from "../commands/assets.ts";
import { packageFiles } from "../commands/package-files.ts";
import { openProject } from "../commands/project.ts";
import { findRunner } from "./runner-path.ts";

export interface TestHostOptions {
  /** Folder with `hearthnet.plugin.json`. */
  dir: string;
  /** What the operator grants; default everything the manifest asks for. */
  grants?: "manifest" | Grant[];
  config?: JsonObject;
}

export interface CallAs {
  /** Default `member`; `self` is the node's operator. */
  as?: TrustLevel | "self";
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface TestHost {
  manifest: PluginManifest;
  /** What the process really runs under; `seat-belt` where bubblewrap is missing. */
  label(): ConfinementLabel | null;
  status(): PluginStatus;
  /** @param ref  `name@X.Y` @throws HnError as a caller on the bus gets it */
  call(
    ref: string,
    body: { params?: object; input?: object },
    options?: CallAs,
  ): Promise<{ output: JsonObject; meta: JsonObject }>;
  /** Leaving the loop cancels. */
  stream(ref: string, body: { params?: object; input?: object }, options?: CallAs): AsyncGenerator<Frame, JsonObject, void>;
  revoke(permission: string): Promise<void>;
  configure(value: JsonObject): Promise<"applied" | "restart" | "restored">;
  /** Newest last. */
  logs(): PluginLogLine[];
  /** Kills the plugin's process without warning; the runtime starts it again. */
  kill9(): void;
  restart(): Promise<PluginStatus>;
  close(): Promise<void>;
}

const LOG_LINES = 500;

/**
 * Builds the plugin and starts it under the real runtime.
 * @throws Refusal of `pack` · Error with the plugin's own log when it does not start
 */
export async function createTestHost(options: TestHostOptions): Promise<TestHost> {
  const project = openProject({ args: [options.dir], cwd: process.cwd() });
  const { manifest } = project;
  const root = mkdtempSync(join(tmpdir(), "hearthnet-plugin-test-"));
  chmodSync(root, 0o755);
  const host = await openPluginHost({ dataDir: join(root, "data"), runnerPath: findRunner() });
  try {
    const release = await unpack(project, root);
    const grants = options.grants === undefined || options.grants === "manifest" ? everything(manifest) : options.grants;
    let status = await host.runtime.stage(release, grants);
    if (options.config !== undefined) {
      await host.runtime.setConfig(manifest.id, options.config, {});
      status = host.runtime.get(manifest.id) ?? status;
    }
    if (status.state !== "active") throw new Error(`${manifest.id} did not start: ${status.state}\n${textOf(host, manifest.id)}`);
  } catch (error) {
    await host.close();
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
  return testHost(host, { manifest, root });
}

function testHost(host: PluginHost, { manifest, root }: { manifest: PluginManifest; root: string }): TestHost {
  const { id } = manifest;
  const { runtime, bus } = host;
  const status = (): PluginStatus => {
    const found = runtime.get(id);
    if (found === undefined) throw new Error(`${id} is not there any more`);
    return found;
  };
  const request = (
    ref: string,
    body: { params?: object; input?: object },
    { as, timeoutMs, signal }: CallAs,
  ): Parameters<typeof bus.call>[0] => {
    const [capability = "", version = "1.0"] = ref.split("@");
    const [major = 1, minor = 0] = version.split(".").map(Number);
    return {
      capability,
      version: [major, minor],
      body: { params: (body.params ?? {}) as JsonObject, input: (body.input ?? {}) as JsonObject },
      caller: host.as(as ?? "member"),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(signal === undefined ? {} : { signal }),
    };
  };
  return {
    manifest,
    status,
    label: () => status().label,
    call: (ref, body, options = {}) => bus.call(request(ref, body, options)),
    stream: (ref, body, options = {}) => bus.stream(request(ref, body, options)),
    revoke: (permission) =>
      runtime.setGrants(
        id,
        runtime.grants(id).map((grant) => (grant.permission === permission ? { ...grant, mode: "deny" } : grant)),
      ),
    configure: async (value) => (await runtime.setConfig(id, value, {})).result,
    logs: () => runtime.logs(id, { limit: LOG_LINES }),
    kill9: () => {
      const { evidence } = status();
      if (evidence !== null) process.kill(evidence.pid, "SIGKILL");
    },
    restart: () => runtime.restart(id),
    close: async () => {
      await host.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** As the store has it after an installation: files of the package, assets beside it. */
async function unpack(project: ReturnType<typeof openProject>, root: string): Promise<StoredRelease> {
  const dir = join(root, "package");
  for (const [path, { bytes, mode }] of await packageFiles(project)) {
    const full = join(dir, path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
    writeFileSync(full, bytes, { mode: mode ?? 0o644 });
  }
  const assets: StoredRelease["assets"] = {};
  mkdirSync(join(root, "assets"), { mode: 0o755 });
  for (const { name, path, sha256, source } of findAssets(project)) {
    const file = join(root, "assets", sha256);
    await copyFile(source, file);
    chmodSync(file, 0o444);
    assets[name] = { ...assets[name], [path]: file };
  }
  const { manifest } = project;
  return {
    id: manifest.id,
    version: manifest.version,
    sha256: "0".repeat(64),
    dir,
    manifest,
    publisherKeyId: "0".repeat(64),
    // The author's own code on the author's own machine: it may run where nothing can be confined.
    embeddedRoot: true,
    assets,
  };
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
