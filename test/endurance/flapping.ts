/**
 * Three nodes in networks of their own that call each other all the time while their cables are pulled and plugged in again: every answer is
 * compared with the right one, every refusal counted by its code, and the memory of each node is looked at. Needs the right to make networks.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { ERRORS, LOCAL_ERRORS, type ErrorRow } from "../../host/src/contract/index.ts";
import { HnError } from "../../host/src/foundation/index.ts";
import { until } from "../../host/test/support/until.ts";
import { signedPackage } from "../fixtures/signed-plugin.ts";
import { invited, LIMIT_MS, moveIn, sees, type Resident } from "../network/residents.ts";
import { SimRandom } from "../sim/random.ts";
import { temporaryFolder, type Closing } from "../support/live-node.ts";
import { Lane } from "../support/namespaces.ts";
import { pause } from "../support/pace.ts";

const STREET = "10.77.3";
const CAPABILITY = "ext.hearthnet.adder.add";
const CALL_MS = 2000;
const TICK_MS = 25;
/** More than a neighbour may by default, so that what is refused is refused for the line. */
const RATES = { softPerCapability: 200, hardPerCapability: 400, softTotal: 200, hardTotal: 1000, perAddress: 400 };
const LOSS_PERCENT = 1;
const DELAY_MS = 20;
/** Calls under way in all; as many connections wait at an operator's socket. */
const OPEN_MAX = 450;
/** Until then what a node keeps up to a bound is filled, the last 10,000 calls of each for one. */
const WARM_UP = 0.2;
const LOOK_MS = 2000;
/** Below that the run says nothing: nobody could have given a wrong answer. */
const RIGHT_MIN = 0.1;
/** What the memory of a node may be more in the last third than in the first. */
const GROWTH_MAX = 0.1;

export interface FlappingFigures {
  seconds: number;
  asked: number;
  right: number;
  wrong: number;
  /** By code, and reason where there is one. */
  refused: Record<string, number>;
  /** Of those, codes that no caller may try again. */
  final: string[];
  cuts: number;
  delay: string;
  /** Milliseconds after the last cut until each had an answer from each. */
  healedMs: number;
  /** Of each node, in the first and in the last third, the middle of all looks. */
  residentMb: { first: number; last: number }[];
}

/** @param o.cutMs  how long a cable is out, and how long all are in, between those two */
export async function flap(
  t: Closing,
  o: { seconds: number; perSecond: number; cutMs: [number, number]; seed: number; say?: (line: string) => void },
): Promise<FlappingFigures> {
  const say = o.say ?? ((): void => undefined);
  const lane = new Lane(t);
  const residents = await settle(t, lane);
  const delays = residents.map(({ house }) => lane.delay(house, DELAY_MS, { orNone: true }));
  for (const { house } of residents) lane.lose(house, LOSS_PERCENT);
  const random = new SimRandom(o.seed);
  const figures: FlappingFigures = {
    seconds: o.seconds,
    asked: 0,
    right: 0,
    wrong: 0,
    refused: {},
    final: [],
    cuts: 0,
    delay: delays[0] === "netem" ? `netem ${DELAY_MS} ms` : "none: this kernel has no netem",
    healedMs: 0,
    residentMb: [],
  };
  const clients = residents.map(({ node }) => new OperatorClient(node.dataDir));
  const end = performance.now() + o.seconds * 1000;
  const looks: number[][] = residents.map(() => []);
  const open = new Set<Promise<void>>();
  const ask = async (n: number): Promise<void> => {
    const at = random.below(residents.length);
    // Every seventh goes to whom the bus chooses.
    const to = n % 7 === 0 ? undefined : residents[(at + 1 + random.below(residents.length - 1)) % residents.length];
    const outcome = await add(clients[at] as OperatorClient, { a: n, b: random.below(1_000_000), ...(to && { to }) });
    if (outcome === "right" || outcome === "wrong") return void (figures[outcome] += 1);
    figures.refused[outcome.told] = (figures.refused[outcome.told] ?? 0) + 1;
    if (!outcome.isWorthAnother && !figures.final.includes(outcome.told)) figures.final.push(outcome.told);
  };
  let broken: Error | undefined;
  const calling = async (): Promise<void> => {
    const from = performance.now();
    for (let now = from; now < end; now = performance.now()) {
      if (broken !== undefined) throw broken;
      for (let due = ((now - from) * o.perSecond) / 1000 - figures.asked; due >= 1 && open.size < OPEN_MAX; due -= 1) {
        const call = ask((figures.asked += 1))
          .catch((error: unknown) => void (broken ??= HnError.from(error)))
          .finally(() => open.delete(call));
        open.add(call);
      }
      await pause(TICK_MS);
    }
  };
  const looking = async (): Promise<void> => {
    await pause(o.seconds * 1000 * WARM_UP);
    for (; performance.now() < end; await pause(LOOK_MS))
      for (const [n, { node }] of residents.entries()) looks[n]?.push(residentMb(node.ready.pid));
  };
  const cutting = async (): Promise<void> => {
    const [least, most] = o.cutMs;
    const span = (): number => Math.min(least + random.below(most - least), Math.max(0, end - performance.now()));
    while (performance.now() < end) {
      await pause(span());
      const { house } = random.pick(residents) as Resident;
      lane.pull(house);
      figures.cuts += 1;
      await pause(span());
      lane.plug(house);
      if (figures.cuts % 10 === 0)
        say(`${figures.cuts} cuts, ${figures.asked} asked, ${figures.right} right, ${figures.wrong} wrong`);
    }
  };
  await Promise.all([calling(), looking(), cutting()]);
  const healed = performance.now();
  await Promise.all(open);
  await reachable(residents);
  figures.healedMs = Math.round(performance.now() - healed);
  figures.residentMb = looks.map((all) => {
    const third = Math.ceil(all.length / 3);
    return { first: middle(all.slice(0, third)), last: middle(all.slice(-third)) };
  });
  return figures;
}

/** @returns what is not as it must be; memory counts only where there was time to see it */
export function faultsOf(figures: FlappingFigures, o: { judgesMemory: boolean }): string[] {
  const faults: string[] = [];
  if (figures.wrong > 0) faults.push(`${figures.wrong} answers were wrong`);
  if (figures.final.length > 0) faults.push(`refused for good: ${figures.final.join(", ")}`);
  if (figures.right < figures.asked * RIGHT_MIN) faults.push(`only ${figures.right} of ${figures.asked} calls were answered`);
  if (figures.cuts === 0) faults.push("nothing was cut");
  for (const { first, last } of o.judgesMemory ? figures.residentMb : [])
    if (last > first * (1 + GROWTH_MAX)) faults.push(`a node grew from ${first} to ${last} MB`);
  return faults;
}

export function toldFlapping({
  seconds,
  asked,
  right,
  wrong,
  refused,
  cuts,
  delay,
  healedMs,
  residentMb,
}: FlappingFigures): string {
  const codes = Object.entries(refused).toSorted(([, a], [, b]) => b - a);
  return [
    `${seconds} s, ${cuts} cuts, ${LOSS_PERCENT} % loss, delay ${delay}`,
    `${asked} calls (${Math.round(asked / seconds)}/s): ${right} right, ${wrong} wrong; refused: ${codes.map(([code, n]) => `${n} ${code}`).join(", ") || "none"}`,
    `each answered each ${healedMs} ms after the last cut; MB resident ${residentMb.map(({ first, last }) => `${first} → ${last}`).join(", ")}`,
  ].join("\n");
}

type Outcome = "right" | "wrong" | { told: string; isWorthAnother: boolean };

async function add(client: OperatorClient, { a, b, to }: { a: number; b: number; to?: Resident }): Promise<Outcome> {
  const body = {
    capability: CAPABILITY,
    version: "1.0",
    params: {},
    input: { a, b },
    timeout_ms: CALL_MS,
    ...(to === undefined ? {} : { node: to.node.ready.node_id }),
  };
  try {
    const { output } = await client.send<{ output: { a: number; sum: number } }>("POST", "/call", body);
    return output.a === a && output.sum === a + b ? "right" : "wrong";
  } catch (error) {
    if (!HnError.isHnError(error)) throw error;
    const { code, reason } = error;
    const rows: Partial<Record<string, ErrorRow>> = ERRORS;
    const local: Partial<Record<string, { wire: string }>> = LOCAL_ERRORS;
    const row = rows[code] ?? rows[local[code]?.wire ?? ""];
    return { told: reason === undefined ? code : `${code} (${reason})`, isWorthAnother: row !== undefined && row.retry !== "no" };
  }
}

async function settle(t: Closing, lane: Lane): Promise<Resident[]> {
  const houses = [2, 3, 4].map((host) => lane.house({ street: STREET, host }));
  const folder = temporaryFolder(t);
  const config = join(folder, "hearthnet.config.ts");
  writeFileSync(config, `export default ${JSON.stringify({ rates: RATES })};\n`);
  const residents = await Promise.all(houses.map((house) => moveIn(t, house, { args: ["--config", config] })));
  const [first, ...others] = residents as [Resident, ...Resident[]];
  await first.node.ask(["community", "create", "Mill Street"]);
  for (const other of others) await invited(first.node, other.node);
  const path = join(folder, "adder.hnplugin");
  writeFileSync(path, adder());
  await Promise.all(residents.map(({ node }) => node.ask(["plugin", "install", "--from", path, "--grant", "all"])));
  for (const at of residents) for (const of of residents) if (at !== of) await sees(at.node, of.node, { state: "verified" });
  await reachable(residents);
  return residents;
}

/** Each has an answer from each. */
async function reachable(residents: readonly Resident[]): Promise<void> {
  for (const at of residents)
    for (const to of residents)
      await until(
        "it answers",
        async () => (await add(new OperatorClient(at.node.dataDir), { a: 1, b: 2, to })) === "right",
        LIMIT_MS,
      );
}

function adder(): Uint8Array {
  const reason = { en: "For a test.", de: "Für einen Test." };
  return signedPackage({
    id: "hearthnet/adder",
    code: `{
      async setup(ctx) { await ctx.capabilities.register("${CAPABILITY}@1.0"); },
      capabilities: { "${CAPABILITY}@1.0": async ({ input }) => ({ output: { a: input.a, sum: input.a + input.b } }) },
    }`,
    schemas: { "schema.json": { type: "object" } },
    manifest: {
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
            maxConcurrent: 256,
            timeoutSeconds: 5,
          },
        ],
      },
      limits: { callsPerMinute: 100_000 },
      permissions: [{ name: "bus.provide", scope: { prefixes: ["ext.hearthnet.adder."] }, reason }],
      optionalPermissions: [],
    },
  });
}

const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024;

function middle(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0);
}
