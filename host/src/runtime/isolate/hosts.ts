/** Isolate hosts by publisher: who shares a process is decided here alone. @source plugin-platform §1.2 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { StoredRelease } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { ByteSocket } from "../../format/index.ts";
import { sandboxLauncher, type Launched, type Launcher, type Machine, type SandboxSpec } from "../confine/index.ts";
import type { EngineVerdict, IsolateEngine } from "./engine.ts";
import { IsolateHost } from "./host.ts";

/** Hard limit of an isolate host, for all its guests together. */
export const HOST_MEMORY_MB = 256;
/** How long after a call's deadline a guest may be silent before its host is ended, so that it is gone within 100 ms of it. @source plugin-platform §11 */
export const WATCHDOG_MS = 75;
const GUESTS_MAX = 50;
const BUNDLE_MAX_BYTES = 1_048_576;
const GUEST_MEMORY_MB = { least: 8, usual: 32, most: 128 };
export const HOST_PIDS = 64;

export class IsolateHosts {
  readonly #machine: Machine;
  readonly #engine: IsolateEngine | null;
  /** Why no isolate can run here; null when they can. */
  readonly missing: string | null;
  readonly #watch: (launcher: Launcher) => Launcher;
  readonly #hosts = new Map<string, IsolateHost[]>();

  /** @param watch  may stand between a host's process and its guests, as a test host does */
  constructor(machine: Machine, verdict: EngineVerdict, watch: (launcher: Launcher) => Launcher) {
    this.#machine = machine;
    this.#watch = watch;
    this.#engine = "engine" in verdict ? verdict.engine : null;
    this.missing = "missing" in verdict ? verdict.missing : null;
  }

  /** Starts this release in an isolate of its publisher's host. @throws not_implemented incompatible when that cannot be */
  launcher(release: StoredRelease): Launcher<ByteSocket> {
    return {
      launch: () => {
        const { manifest, dir } = release;
        const entry = manifest.entry.main ?? "";
        const asked = manifest.limits?.memoryMb ?? GUEST_MEMORY_MB.usual;
        const memoryMb = Math.min(GUEST_MEMORY_MB.most, Math.max(GUEST_MEMORY_MB.least, asked));
        const bundle = readBundle(join(dir, entry));
        return this.#room(release).admit({
          id: release.id,
          entry,
          bundle,
          manifest: structuredClone(manifest) as never,
          memoryMb,
        });
      },
    };
  }

  /** A new release beside the one that serves gets a process of its own: were it ended on trial, all its neighbours would go with it. */
  #room({ id, publisherKeyId }: StoredRelease): IsolateHost {
    const hosts = (this.#hosts.get(publisherKeyId) ?? []).filter((host) => !host.over);
    const free = hosts.some((host) => host.holds(id)) ? undefined : hosts.find((host) => host.size < GUESTS_MAX);
    if (free !== undefined) return free;
    const host: IsolateHost = new IsolateHost(this.#start(), () => {
      const left = (this.#hosts.get(publisherKeyId) ?? []).filter((one) => one !== host);
      if (left.length > 0) this.#hosts.set(publisherKeyId, left);
      else this.#hosts.delete(publisherKeyId);
    });
    this.#hosts.set(publisherKeyId, [...hosts, host]);
    return host;
  }

  #start(): Launched {
    const engine = this.#engine;
    const { tools } = this.#machine;
    if (engine === null || tools === null) throw unusable(this.missing ?? "");
    const { program, libraries, addon, guest } = engine;
    const machine = { ...this.#machine, tools: { ...tools, runner: program, libraries } };
    return this.#watch(sandboxLauncher(machine)).launch(isolateSpec({ addon, guest }));
  }
}

/** No package, no data, no assets: an isolate host has its link. */
export function isolateSpec(isolates: NonNullable<SandboxSpec["isolates"]>): SandboxSpec {
  return {
    packageDir: "/runner",
    assetsDir: null,
    dataDir: null,
    memoryMb: HOST_MEMORY_MB,
    pids: HOST_PIDS,
    maxFileBytes: 0,
    sqlite: false,
    threads: false,
    native: false,
    mounts: [],
    devices: [],
    isolates,
  };
}

export function unusable(why: string): HnError {
  return new HnError("not_implemented", {
    reason: "incompatible",
    message: `The plugin runs in an isolate, which this node cannot offer. ${why}`,
    action: "Install HearthNet anew with `npm ci`.",
  });
}

function readBundle(file: string): Uint8Array {
  const { size } = statSync(file);
  if (size <= BUNDLE_MAX_BYTES) return readFileSync(file);
  throw new HnError("not_implemented", {
    reason: "incompatible",
    message: `The plugin's bundle has ${size} bytes; one in an isolate has at most ${BUNDLE_MAX_BYTES}.`,
    action: "Tell its publisher.",
  });
}
