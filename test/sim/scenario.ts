/** What is tried in a world, and what must hold in each. @source network.md §7 */
import type { World } from "./world.ts";

export interface Scenario {
  /** Row of the table in network.md §7. */
  row: number;
  name: string;
  /** When it counts as passed. */
  pass: string;
  /** With every change of the code; else only by `npm run sim`. */
  always?: boolean;
  /** In a world whose nodes offer each other peer sessions. */
  sessions?: boolean;
  /** @param tell  takes a figure for the report */
  run: (world: World, tell: (figure: string) => void) => Promise<void>;
}
