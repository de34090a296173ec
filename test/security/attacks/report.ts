/**
 * What the attacks came to, as one table: every test of a row calls `reportAttack`, and `test/run.ts` prints `attackTable` when all have ended.
 * Imports nothing at run time, so that the runner can use it as well.
 */
import type { NodeRuntime } from "../../../host/src/runtime/index.ts";
import type { NeighbourTimes } from "./neighbour-times.ts";

export interface AttackRow {
  /** `A01` to `A25`. */
  row: string;
  title: string;
  /** What came of it in the sandbox: the refusal, or what ended it. */
  confined: string;
  /** What the same payload did without one. */
  control: string;
  /** What the node keeps of it, as `recordOf` finds it; `-` where nothing reached the node. */
  record: string;
  neighbour?: NeighbourTimes;
}

const MARK = "attack: ";

export function reportAttack(row: AttackRow): void {
  process.stdout.write(`${MARK}${JSON.stringify(row)}\n`);
}

/** @returns the row that a line of a test's output holds, or null when it is some other line */
export function rowIn(line: string): AttackRow | null {
  return line.startsWith(MARK) ? (JSON.parse(line.slice(MARK.length)) as AttackRow) : null;
}

/** Lines of the table, ordered by row. */
export function attackTable(rows: readonly AttackRow[]): string[] {
  const head = ["row", "attack", "confined", "control", "ledger or log", "neighbour p99 ms during / quiet"];
  const lines = rows
    .toSorted((a, b) => a.row.localeCompare(b.row))
    .map(({ row, title, confined, control, record, neighbour }) => [
      row,
      title,
      confined,
      control,
      record,
      neighbour === undefined ? "-" : `${neighbour.duringMs.toFixed(1)} / ${neighbour.quietMs.toFixed(1)}`,
    ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.map(plain).join(" | ")} |`);
}

/** What the node keeps of a plugin's attack: refusals in the ledger, else the newest line that the host itself wrote into its log. */
export function recordOf(runtime: Pick<NodeRuntime, "ledger" | "logs">, pluginId: string): string {
  const refused = runtime.ledger(1000).rows.filter(({ plugin, verdict }) => plugin === pluginId && verdict !== "allow");
  const ops = [...new Set(refused.map(({ op, verdict }) => `ledger: ${op} ${verdict}`))];
  if (ops.length > 0) return ops.join(", ");
  const line = runtime.logs(pluginId, { limit: 200 }).findLast(({ source }) => source === "host");
  return line === undefined ? "-" : `log: ${line.message}`;
}

function plain(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("|", "/").trim();
}
