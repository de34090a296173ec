/**
 * Installs a plugin, calls it, updates it, calls it, removes it, again and again, on a whole node with real packages and processes, and says what
 * the node holds before and after. @source plugin-platform §10
 */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Job } from "../../host/src/contract/index.ts";
import { HnError } from "../../host/src/foundation/index.ts";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { until } from "../../host/test/support/until.ts";
import { signedPackage } from "../fixtures/signed-plugin.ts";
import type { Measures as ProcessMeasures } from "../support/measures.ts";

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
  /** After `warmUp` cycles: what a first use leaves for good is no leak. */
  before: Holding;
  after: Holding;
  /** Milliseconds of one cycle, the middle of all. */
  cycleMs: number;
}

export async function runCycles(o: { warmUp: number; count: number; onCycle?: (n: number) => void }): Promise<Cycles> {
  const folder = temporaryFolder();
  const dataDir = join(folder, "data");
  const temporary = join(folder, "temporary");
  mkdirSync(temporary, { mode: 0o755 });
  const child = fork(join(import.meta.dirname, "node-child.ts"), [dataDir], {
    execArgv: ["--no-warnings", "--conditions=hearthnet-source", "--expose-gc"],
    env: { ...process.env, TMPDIR: temporary },
  });
  try {
    await once(child, "message");
    const client = new OperatorClient(dataDir);
    const hold = async (): Promise<Holding> => {
      child.send("measure");
      const [measures] = (await once(child, "message")) as [Measures];
      return { ...measures, ...heldBy(child.pid ?? 0, folder) };
    };
    let version = 0;
    const cycle = (): Promise<void> => oneCycle(client, () => `1.0.${(version += 1)}`);
    for (let n = 0; n < o.warmUp; n += 1) await cycle();
    const before = await hold();
    const times: number[] = [];
    for (let n = 0; n < o.count; n += 1) {
      const from = performance.now();
      await cycle();
      times.push(performance.now() - from);
      o.onCycle?.(n + 1);
    }
    const after = await until("former processes are gone", async () => {
      const now = await hold();
      return now.children <= before.children ? now : null;
    });
    return { before, after, cycleMs: times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0 };
  } finally {
    if (child.exitCode === null) {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneCycle(client: OperatorClient, nextVersion: () => string): Promise<void> {
  for (const act of ["install", "update"]) {
    const version = nextVersion();
    await client.upload("/packages", mayfly(version));
    await installed(client, { id: ID, version, grants: "all", client_id: `${act}-${version}` });
    const { output } = await client.send<{ output: { version: string } }>("POST", "/call", {
      capability: CAPABILITY,
      version: "1.0",
      params: {},
      input: {},
    });
    assert.equal(output.version, version, act);
  }
  await client.send("DELETE", `/plugins/${ID}?keep_data=no`);
}

async function installed(client: OperatorClient, body: object): Promise<void> {
  const { job_id: id } = await client.send<{ job_id: string }>("POST", "/installs/terminal", body);
  const job = await until("it is installed", async () => {
    const job = await client.get<Job>(`/jobs/${id}`);
    return job.state === "running" ? null : job;
  });
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
            maxConcurrent: 4,
            timeoutSeconds: 10,
          },
        ],
      },
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
