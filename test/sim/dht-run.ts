/** One large DHT, once, with its figures. @source network.md §8 D1 to D3 */
import { floorOf, measureDht, told, type DhtPlan } from "./dht-figures.ts";
import { World } from "./world.ts";

/** @returns whether as many lookups have found as must */
export async function runDht(seed: number, plan: DhtPlan): Promise<boolean> {
  const world = new World(seed);
  const from = performance.now();
  const say = (line: string): void => void process.stderr.write(`${Math.round((performance.now() - from) / 1000)} s: ${line}\n`);
  try {
    const figures = await measureDht(world, plan, say);
    const { user, system } = process.cpuUsage();
    const { maxRSS } = process.resourceUsage();
    const cost = `${Math.round((user + system) / 1e6)} s of processor time, at most ${Math.round(maxRSS / 1024)} MB resident`;
    process.stdout.write(
      `seed ${seed}, ${plan.nodes} nodes, ${told(figures)}\n        ${world.scheduler.events} events, digest ${world.scheduler.digest}, ${cost}\n`,
    );
    return figures.found >= figures.lookups * floorOf(plan);
  } finally {
    await world.close();
  }
}
