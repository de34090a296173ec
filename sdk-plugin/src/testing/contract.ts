import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import type { TestHost } from "./options.ts";

/** One promise that every plugin keeps, and whether this one does. */
export interface ContractRow {
  promise: string;
  kept: boolean;
  detail: string;
}

const CANCEL_MS = 200;
const RESTART_MS = 15_000;
const POLL_MS = 5;
/** What the host writes when it gives a cancelled call up. */
const STRIKE = "did not end a cancelled call";

/**
 * What a host relies on, whatever the plugin is for: it offers what it declares, refuses rubbish with a code, lets go when it is cancelled,
 * restarts on request and comes back after kill -9.
 * @source plugin-platform §9 `test`
 */
export async function runContract(host: TestHost): Promise<ContractRow[]> {
  const rows: ContractRow[] = [];
  const check = async (promise: string, work: () => Promise<string>): Promise<void> => {
    try {
      rows.push({ promise, kept: true, detail: await work() });
    } catch (error) {
      rows.push({ promise, kept: false, detail: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) });
    }
  };
  const declared = (host.manifest.contributes.capabilities ?? []).map(({ name, version }) => `${name}@${version}`);
  await check("offers what its manifest declares", async () => {
    const missing = declared.filter((ref) => !host.status().offers.includes(ref));
    if (missing.length > 0) throw new Error(`not offered: ${missing.join(", ")}`);
    return declared.join(", ") || "nothing declared";
  });
  await check("answers rubbish with a code, and stays alive", async () => {
    for (const ref of declared) await host.call(ref, { input: { "no such field": ["x".repeat(1000)] } }).catch(codeOf);
    return expectActive(host);
  });
  await check(`lets a cancelled call go within ${CANCEL_MS} ms`, async () => {
    const times: number[] = [];
    for (const ref of declared) times.push(await letGo(host, ref));
    return `${Math.round(Math.max(0, ...times))} ms`;
  });
  await check("starts anew on request", async () => {
    const { state } = await host.restart();
    if (state !== "active") throw new Error(state);
    return state;
  });
  await check("comes back after kill -9", async () => {
    await host.kill9();
    const end = performance.now() + RESTART_MS;
    for (;;) {
      const { state } = host.status();
      if (state === "active") return "back";
      if (performance.now() > end) throw new Error(`it is ${state}`);
      await pause(POLL_MS);
    }
  });
  return rows;
}

/** @returns milliseconds from the cancel until the plugin has ended the call. @throws Error when the host had to give it up */
async function letGo(host: TestHost, ref: string): Promise<number> {
  const strikes = (): number => host.logs().filter(({ message }) => message.includes(STRIKE)).length;
  const before = strikes();
  const abort = new AbortController();
  const call = host.call(ref, { input: {} }, { signal: abort.signal }).catch(() => {});
  // What is cancelled in the turn in which it was sent might never reach the plugin.
  await turn();
  const from = performance.now();
  abort.abort();
  await call;
  while (host.inFlight() > 0) await pause(POLL_MS);
  if (strikes() > before) throw new Error(`${ref} did not end in time`);
  return performance.now() - from;
}

function codeOf(error: unknown): void {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") throw error;
  if (code === "internal_error" || code === "plugin_gone") throw new Error(`${code}: ${(error as Error).message}`);
}

function expectActive(host: TestHost): string {
  const { state } = host.status();
  if (state !== "active") throw new Error(`it is ${state} now`);
  return state;
}
