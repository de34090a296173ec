import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { exampleOf } from "./example.ts";
import type { CallInput, TestHost } from "./options.ts";

/** One promise that every plugin keeps, and whether this one does. */
export interface ContractRow {
  promise: string;
  kept: boolean;
  detail: string;
}

export interface ContractOptions {
  /** By `name@X.Y`: what to call it with. Without it the smallest body that the request schema takes. */
  inputs?: Readonly<Record<string, CallInput>>;
}

const CANCEL_MS = 200;
const RESTART_MS = 15_000;
const POLL_MS = 5;
const FRAMES = 3;
/** Work that takes longer is given up: here it matters how a plugin ends, not what it answers. */
const CALL_MS = 2000;
/** What the host writes when it gives a cancelled call up. */
const STRIKE = "did not end a cancelled call";
/** Rights that shape the process itself: taking one starts the plugin anew. */
const SHAPES_PROCESS = /^(fs\.|hw\.|native$|storage\.sqlite$|proc\.)/;

type Check = (promise: string, work: () => Promise<string>) => Promise<void>;

/**
 * What a host relies on, whatever the plugin is for: it offers what it declares, refuses rubbish with a code, lets go when it is cancelled, lets
 * running calls end, takes settings anew, goes on without a right, restarts on request and comes back after kill -9.
 * @source plugin-platform §4.7, §9 `test`
 */
export async function runContract(host: TestHost, options: ContractOptions = {}): Promise<ContractRow[]> {
  const rows: ContractRow[] = [];
  const check: Check = async (promise, work) => {
    try {
      rows.push({ promise, kept: true, detail: await work() });
    } catch (error) {
      rows.push({ promise, kept: false, detail: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) });
    }
  };
  // Pages and data have no process that could break a promise.
  if (host.manifest.kind === "service") await ofService(host, check, options);
  await check("starts anew on request", async () => {
    const { state } = await host.restart();
    if (state !== "active") throw new Error(state);
    return state;
  });
  if (host.manifest.kind === "service") await check("comes back after kill -9", () => comesBack(host));
  return rows;
}

async function ofService(host: TestHost, check: Check, { inputs = {} }: ContractOptions): Promise<void> {
  const declared = (host.manifest.contributes.capabilities ?? []).map(({ name, version }) => `${name}@${version}`);
  const bodyOf = (ref: string): CallInput => inputs[ref] ?? (exampleOf(host.requestSchema(ref) ?? {}) as CallInput);
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
    for (const ref of declared) times.push(await letGo(host, { ref, body: bodyOf(ref) }));
    return `${Math.round(Math.max(0, ...times))} ms`;
  });
  await check(`lets a WebSocket that is cut go within ${CANCEL_MS} ms`, () => letsSocketsGo(host));
  await check("lets running calls end before it stops", () => drains(host, bodyOf));
  await check("takes its settings anew", async () => {
    if (host.manifest.config === undefined) return "it has no settings";
    const result = await host.configure(host.config());
    if (result === "restored") throw new Error("it does not start with the settings that it has");
    expectActive(host);
    return result;
  });
  await check("goes on without a right that is taken, and says so to the caller", async () => {
    const taken: string[] = [];
    for (const { permission } of host.grants()) {
      if (permission === "bus.provide" || SHAPES_PROCESS.test(permission)) continue;
      await host.revoke(permission);
      try {
        for (const ref of declared) await answer(host, { ref, body: bodyOf(ref) }).catch(codeOf);
        expectActive(host);
      } catch (error) {
        throw new Error(`without ${permission}: ${(error as Error).message}`, { cause: error });
      } finally {
        await host.grant(permission);
      }
      taken.push(permission);
    }
    return taken.join(", ") || "it has none that can be taken while it runs";
  });
}

async function letsSocketsGo(host: TestHost): Promise<string> {
  const routes = (host.manifest.contributes.http ?? []).flatMap(({ routes: all }) => all).filter(({ ws }) => ws === true);
  const strikes = (): number => host.logs().filter(({ message }) => message.includes(STRIKE)).length;
  const before = strikes();
  for (const { path } of routes) {
    const socket = host.socket(path.replaceAll(/:[^/]+/g, "a"), { as: "anchor" });
    await turn();
    socket.leave();
    await socket.closed.catch(() => undefined);
    while (host.inFlight() > 0) await pause(POLL_MS);
    if (strikes() > before) throw new Error(`GET ${path} did not end in time`);
  }
  return routes.map(({ path }) => path).join(", ") || "it has none";
}

/** Calls that were under way when the operator stopped the plugin are answered by the plugin, or cancelled with its own code. */
async function drains(host: TestHost, bodyOf: (ref: string) => CallInput): Promise<string> {
  const { capabilities = [] } = host.manifest.contributes;
  // A stream may go on for ever; it is cut off when its time is over.
  const refs = capabilities.filter(({ response }) => response !== null).map(({ name, version }) => `${name}@${version}`);
  const calls = refs.map((ref) => answer(host, { ref, body: bodyOf(ref) }));
  const ends = Promise.allSettled(calls);
  // What is stopped in the turn in which it was sent might never reach the plugin.
  await turn();
  await host.restart();
  let answered = 0;
  for (const [n, end] of (await ends).entries()) {
    if (end.status === "fulfilled") answered += 1;
    else
      try {
        codeOf(end.reason);
      } catch (error) {
        throw new Error(`${refs[n] ?? ""}: ${(error as Error).message}`, { cause: error });
      }
  }
  expectActive(host);
  if (refs.length === 0) return "it has none that end";
  return answered === refs.length ? "answered" : `${answered} of ${refs.length} answered, the others refused with a code`;
}

/** One answer, or a stream's first frames: some never end. */
async function answer(host: TestHost, { ref, body }: { ref: string; body: CallInput }): Promise<void> {
  const [name, version] = ref.split("@");
  const declared = host.manifest.contributes.capabilities?.find((one) => one.name === name && one.version === version);
  const as = declared?.trust === "unknown" ? "member" : "self";
  if (declared === undefined || declared.response !== null) return void (await host.call(ref, body, { as, timeoutMs: CALL_MS }));
  let frames = 0;
  for await (const _frame of host.stream(ref, body, { as, timeoutMs: CALL_MS })) if (++frames === FRAMES) return;
}

async function comesBack(host: TestHost): Promise<string> {
  await host.kill9();
  const end = performance.now() + RESTART_MS;
  for (;;) {
    const { state } = host.status();
    if (state === "active") return "back";
    if (performance.now() > end) throw new Error(`it is ${state}`);
    await pause(POLL_MS);
  }
}

/** @returns milliseconds from the cancel until the plugin has ended the call. @throws Error when the host had to give it up */
async function letGo(host: TestHost, { ref, body }: { ref: string; body: CallInput }): Promise<number> {
  const strikes = (): number => host.logs().filter(({ message }) => message.includes(STRIKE)).length;
  const before = strikes();
  const abort = new AbortController();
  const call = host.call(ref, body, { signal: abort.signal, as: "self" }).catch(() => {});
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
