/**
 * Installs a plugin, calls it, updates it, calls it, removes it, again and again, on a whole node with real packages and processes, and says what
 * the node holds before and after. @source plugin-platform §10
 */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { globalAgent } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Job } from "../../host/src/contract/index.ts";
import { HnError } from "../../host/src/foundation/index.ts";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { until } from "../../host/test/support/until.ts";
import { signedPackage } from "../fixtures/signed-plugin.ts";
import type { Measures as ProcessMeasures } from "../support/measures.ts";
import type { Sample } from "./verdict.ts";

const ID = "hearthnet/mayfly";
const CAPABILITY = "ext.hearthnet.mayfly.say";

interface Measures extends ProcessMeasures {
  /** In memory, whether anybody needs them or not. */
  plugins: number;
}

/** What a node holds at one moment. */
export interface Holding extends Measures {
  rssMb: number;
  /** Below the data folder and the one for temporary files. */
  files: string[];
  /** What each database uses, KB. */
  databases: Record<string, number>;
  /** Processes below it. */
  children: number;
}

export interface Cycles {
  /** After `warmUp` cycles and calls: what a first use leaves for good is no leak, nor is what fills up to a bound. */
  before: Holding;
  after: Holding;
  /** Memory on the way. */
  samples: Sample[];
  /** Milliseconds of one cycle, the middle of all. */
  cycleMs: number;
}

/** Callers at one time while what the node keeps of calls is filled up. */
const LANES = 4;
/** However busy the machine is. */
const PATIENCE_MS = 60_000;

/**
 * @param o.calls        calls of the warm-up, beside those of its cycles
 * @param o.sampleEvery  cycles from one look at the memory to the next; absent: only before and after
 */
export async function runCycles(o: {
  warmUp: number;
  calls?: number;
  count: number;
  sampleEvery?: number;
  onCycle?: (n: number) => void;
}): Promise<Cycles> {
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const temporary = join(folder, "temporary");
  mkdirSync(temporary, { mode: 0o755 });
  const child = fork(join(import.meta.dirname, "node-child.ts"), [dataDir], {
    execArgv: ["--no-warnings", "--conditions=hearthnet-source", "--expose-gc"],
    // As the command sets it for a node.
    env: { ...process.env, MALLOC_ARENA_MAX: "2", TMPDIR: temporary },
  });
  try {
    await once(child, "message");
    const client = new OperatorClient(dataDir);
    const look = async (): Promise<Holding> => {
      child.send("measure");
      const [measures] = (await once(child, "message")) as [Measures];
      return { ...measures, ...heldBy(child.pid ?? 0, folder) };
    };
    const hold = (): Promise<Holding> => {
      // A connection kept for the next request would count on one look and have timed out by another.
      globalAgent.destroy();
      return atRest(look);
    };
    let version = 0;
    const next = (): string => `1.0.${(version += 1)}`;
    const cycle = (): Promise<void> => oneCycle(client, next);
    await manyCalls(client, { version: next(), calls: o.calls ?? 0 });
    for (let n = 0; n < o.warmUp; n += 1) await cycle();
    const before = await hold();
    const samples: Sample[] = [{ cycle: 0, ...before }];
    const times: number[] = [];
    for (let n = 0; n < o.count; n += 1) {
      const from = performance.now();
      await cycle();
      times.push(performance.now() - from);
      o.onCycle?.(n + 1);
      if (o.sampleEvery !== undefined && (n + 1) % o.sampleEvery === 0) samples.push({ cycle: n + 1, ...(await hold()) });
    }
    const after = await until(
      "former processes are gone",
      async () => {
        const now = await hold();
        return now.children <= before.children ? now : null;
      },
      PATIENCE_MS,
    );
    return {
      before,
      after,
      samples: samples.map(({ cycle, heapMb, rssMb }) => ({ cycle, heapMb, rssMb })),
      cycleMs: times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0,
    };
  } finally {
    if (child.exitCode === null) {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Once nothing winds up any more: three looks that count the same, and of memory the least of them, for garbage comes and goes. */
async function atRest(look: () => Promise<Holding>): Promise<Holding> {
  let alike: Holding[] = [];
  return until(
    "it holds still",
    async () => {
      const now = await look();
      const [last] = alike;
      if (last !== undefined && countsOf(last) !== countsOf(now)) alike = [];
      alike.push(now);
      if (alike.length < 3) return null;
      const least = (of: (holding: Holding) => number): number => Math.min(...alike.map(of));
      return { ...now, heapMb: least(({ heapMb }) => heapMb), rssMb: least(({ rssMb }) => rssMb) };
    },
    PATIENCE_MS,
  );
}

function countsOf({ descriptors, resources, children, listeners, plugins, files }: Holding): string {
  return JSON.stringify([
    descriptors,
    Object.entries(resources).toSorted(([a], [b]) => a.localeCompare(b)),
    children,
    listeners,
    plugins,
    files,
  ]);
}

/** Fills what the node keeps of calls: the last 10,000, names and times alone. */
async function manyCalls(client: OperatorClient, { version, calls }: { version: string; calls: number }): Promise<void> {
  if (calls === 0) return;
  await client.upload("/packages", mayfly(version));
  await installed(client, { id: ID, version, grants: "all", client_id: `fill-${version}` });
  let left = calls;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await say(client);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await client.send("DELETE", `/plugins/${ID}?keep_data=no`);
}

async function say(client: OperatorClient): Promise<string> {
  const call = { capability: CAPABILITY, version: "1.0", params: {}, input: {} };
  return (await client.send<{ output: { version: string } }>("POST", "/call", call)).output.version;
}

async function oneCycle(client: OperatorClient, nextVersion: () => string): Promise<void> {
  for (const act of ["install", "update"]) {
    const version = nextVersion();
    await client.upload("/packages", mayfly(version));
    await installed(client, { id: ID, version, grants: "all", client_id: `${act}-${version}` });
    assert.equal(await say(client), version, act);
  }
  await client.send("DELETE", `/plugins/${ID}?keep_data=no`);
}

async function installed(client: OperatorClient, body: object): Promise<void> {
  const { job_id: id } = await client.send<{ job_id: string }>("POST", "/installs/terminal", body);
  const job = await until(
    "it is installed",
    async () => {
      const job = await client.get<Job>(`/jobs/${id}`);
      return job.state === "running" ? null : job;
    },
    PATIENCE_MS,
  );
  if (job.error !== undefined) throw HnError.fromLocal(job.error);
}

/** A plugin that writes into its data folder, has settings and a store, and answers with its version. */
function mayfly(version: string): Uint8Array {
  const reason = { en: "For a test.", de: "Für einen Test." };
  return signedPackage({
    id: ID,
    code: `{
      async setup(ctx) {
        await ctx.kv.put("started", "${version}");
        ctx.log.info("up", { version: "${version}" });
        await ctx.capabilities.register("${CAPABILITY}@1.0");
      },
      capabilities: { "${CAPABILITY}@1.0": async (_req, ctx) => ({ output: { version: (await ctx.kv.get("started")).value } }) },
    }`,
    schemas: { "schema.json": { type: "object" } },
    manifest: {
      version,
      contributes: {
        capabilities: [
          {
            name: CAPABILITY,
            version: "1.0",
            request: "schema.json",
            response: "schema.json",
            stream: null,
            trust: "member",
            idempotent: true,
            maxConcurrent: 16,
            timeoutSeconds: 10,
          },
        ],
      },
      limits: { callsPerMinute: 100_000 },
      permissions: [
        { name: "bus.provide", scope: { prefixes: ["ext.hearthnet.mayfly."] }, reason },
        { name: "storage.kv", scope: { quotaMb: 1 }, reason },
        { name: "fs.data", scope: { quotaMb: 1 }, reason },
      ],
      optionalPermissions: [],
    },
  });
}

/** Pages in use: what was written ahead counts, what was given free does not. */
function usedKb(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const pragma = (name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  try {
    return ((pragma("page_count") - pragma("freelist_count")) * pragma("page_size")) / 1024;
  } finally {
    db.close();
  }
}

function heldBy(pid: number, folder: string): Pick<Holding, "rssMb" | "files" | "databases" | "children"> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  const databases = files.filter((name) => name.endsWith(".db"));
  return {
    rssMb: Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024,
    files,
    databases: Object.fromEntries(databases.map((name) => [name, usedKb(join(folder, name))])),
    children: readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")
      .split(" ")
      .filter((word) => word !== "").length,
  };
}
