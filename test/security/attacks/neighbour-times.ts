import assert from "node:assert/strict";
import { systemClock } from "../../../host/src/foundation/index.ts";

/** p99 of another plugin's calls, ms. */
export interface NeighbourTimes {
  quietMs: number;
  duringMs: number;
}

const STANDSTILL_MS = 5000;
const QUIET_CALLS = 150;
/** A neighbour that asked without pause would be a flood of its own. */
const BETWEEN_CALLS_MS = 3;

/** Runs an attack while another plugin is asked all the time, after it was asked in peace. */
export async function besideNeighbour<T>(
  ask: () => Promise<unknown>,
  attack: () => Promise<T>,
): Promise<{ result: T; neighbour: NeighbourTimes }> {
  const quiet: number[] = [];
  while (quiet.length < QUIET_CALLS) quiet.push(await timed(ask));
  const during: number[] = [];
  let over = false;
  const running = attack().finally(() => (over = true));
  running.catch(() => {});
  do during.push(await timed(ask));
  while (!over);
  const neighbour = { quietMs: p99(quiet), duringMs: p99(during) };
  // §7 wants 1.5 times the quiet figure, which is printed; this only says that nobody stands still.
  assert.ok(neighbour.duringMs < STANDSTILL_MS, `a neighbour's caller waited ${neighbour.duringMs} ms`);
  return { result: await running, neighbour };
}

async function timed(ask: () => Promise<unknown>): Promise<number> {
  await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, BETWEEN_CALLS_MS));
  const from = performance.now();
  await ask();
  return performance.now() - from;
}

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}
