import { setTimeout as delay } from "node:timers/promises";
import { UsageError, type OptionTable } from "../../command-line/index.ts";
import type { CallTrace } from "../../contract/index.ts";
import { isNodeId, shortId } from "../../identity/index.ts";
import type { Command, Invocation } from "../command.ts";
import { table } from "../table.ts";

const LOOK_MS = 1000;
/** More than one trace can hold for one reader. */
const WHOLE = 500;
const FILTERS: OptionTable = {
  capability: { type: "string", value: "NAME", help: "only this capability, or all below its first words, e.g. ocr" },
  node: { type: "string", value: "NODE", help: "only calls from or to this node, by its id or short id" },
  result: { type: "string", value: "RESULT", help: "only ok, cancelled or one code, e.g. timeout" },
  trace: { type: "string", value: "TRACE_ID", help: "only calls of this trace" },
  limit: { type: "string", value: "N", help: "how many (50)" },
};

/** What the bus did, in the terminal; never what was said. @source 03 §10 */
export const traceCommands: readonly Command[] = [
  {
    name: ["trace"],
    args: "",
    summary: "calls that have ended, oldest first, and with --follow every new one; without their content",
    example: "hearthnet trace --capability ocr --result timeout",
    options: { ...FILTERS, follow: { type: "boolean", help: "go on until Ctrl+C" } },
    run: tail,
  },
  {
    name: ["trace", "show"],
    args: "TRACE_ID",
    summary: "one trace as a tree: which call was made for which, and how long each took",
    example: "hearthnet trace show 01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    run: async ({ args, client, print }) => {
      const query = new URLSearchParams({ trace_id: args[0] ?? "", limit: String(WHOLE) });
      const { items } = await client().get<{ items: CallTrace[] }>(`/calls?${query.toString()}`);
      const nodes = treeOf(items);
      print(
        nodes.map(({ call }) => call),
        table(
          ["call", "from", "to", "result", "began", "took", "bytes"],
          nodes.map(({ call, depth, beganMs }) => [
            `${"  ".repeat(depth)}${call.capability}@${call.version}`,
            shortOf(call.from_node),
            shortOf(call.to_node),
            call.result,
            `+${milliseconds(beganMs)}`,
            milliseconds(call.ms),
            bytesOf(call),
          ]),
          "Nothing is known of this trace: it is older than the last 10,000 calls, or of before the node's start.",
        ),
      );
    },
  },
];

const HEAD = ["time", "capability", "from", "to", "result", "took", "bytes", "trace"];

function cells(call: CallTrace): string[] {
  return [
    call.ts,
    `${call.capability}@${call.version}`,
    shortOf(call.from_node),
    shortOf(call.to_node),
    call.result,
    milliseconds(call.ms),
    bytesOf(call),
    call.trace_id,
  ];
}

async function tail({ client, print, options, json, io }: Invocation): Promise<void> {
  const query = queryOf(options);
  const api = client();
  const read = async (): Promise<CallTrace[]> =>
    (await api.get<{ items: CallTrace[] }>(`/calls?${query.toString()}`)).items.toReversed();
  let calls = await read();
  if (options["follow"] !== true) {
    print(calls, table(HEAD, calls.map(cells), "No calls yet."));
    return;
  }
  for (;;) {
    for (const call of calls) io.out(json ? JSON.stringify(call) : cells(call).join("  "));
    query.set("after", String(calls.at(-1)?.seq ?? query.get("after") ?? 0));
    query.set("limit", String(WHOLE));
    await delay(LOOK_MS);
    calls = await read();
  }
}

function queryOf(options: Invocation["options"]): URLSearchParams {
  const { capability, node, result, trace, limit } = options;
  if (limit !== undefined && !/^[1-9]\d{0,3}$/.test(String(limit)))
    throw new UsageError("--limit wants a whole number from 1 on.");
  const query = new URLSearchParams({ limit: String(limit ?? 50) });
  for (const [name, value] of Object.entries({ capability, node, result, trace_id: trace }))
    if (typeof value === "string") query.set(name, value);
  return query;
}

interface Branch {
  call: CallTrace;
  depth: number;
  /** Milliseconds after the trace began. */
  beganMs: number;
}

/** Each call below the one it was made for, in the order of their beginnings; whose parent is not here stands at the root. */
export function treeOf(calls: readonly CallTrace[]): Branch[] {
  const beganAt = (call: CallTrace): number => Date.parse(call.ts) - call.ms;
  const here = new Set(calls.map(({ span_id }) => span_id));
  const below = new Map<string, CallTrace[]>();
  for (const call of calls.toSorted((a, b) => beganAt(a) - beganAt(b) || a.seq - b.seq)) {
    const parent =
      call.parent_id !== undefined && call.parent_id !== call.span_id && here.has(call.parent_id) ? call.parent_id : "";
    below.set(parent, [...(below.get(parent) ?? []), call]);
  }
  const first = Math.min(...calls.map(beganAt));
  const out: Branch[] = [];
  const seen = new Set<CallTrace>();
  const walk = (parent: string, depth: number): void => {
    for (const call of below.get(parent) ?? []) {
      // Ids of others may lead in a circle.
      if (seen.has(call)) continue;
      seen.add(call);
      out.push({ call, depth, beganMs: beganAt(call) - first });
      walk(call.span_id, depth + 1);
    }
  };
  walk("", 0);
  return [...out, ...calls.filter((call) => !seen.has(call)).map((call) => ({ call, depth: 0, beganMs: beganAt(call) - first }))];
}

/** As it is shown elsewhere, and as `--node` takes it. */
function shortOf(node: string): string {
  return isNodeId(node) ? shortId(node) : "-";
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

function bytesOf(call: CallTrace): string {
  return `${call.bytes_in}/${call.bytes_out}`;
}
