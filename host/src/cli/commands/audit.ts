import { closeSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Refusal, UsageError, type OptionTable } from "../../command-line/index.ts";
import type { AuditRow, LedgerCheck, LedgerFaultKind, LedgerRow } from "../../contract/index.ts";
import { isTime, parseTime } from "../../foundation/index.ts";
import { checkLedgerLines } from "../../format/index.ts";
import type { Command, Invocation } from "../command.ts";
import { createNamedFile, readNamedLines } from "../file.ts";
import { pathOf } from "../plugin-path.ts";
import { table } from "../table.ts";

const LOOK_MS = 1000;
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const FAULTS: Record<LedgerFaultKind, string> = {
  edited: "was edited",
  missing: "is missing",
  moved: "stands in another place than it was written",
  head_absent: "is not covered by the node's signature",
  head_forged: "is covered by a signature that is not the node's",
  unreadable: "cannot be read",
};
const FILTERS: OptionTable = {
  plugin: { type: "string", value: "ID", help: "only this plugin" },
  op: { type: "string", value: "OP", help: "only this operation, e.g. bus.call" },
  verdict: { type: "string", value: "VERDICT", help: "only allow, deny, simulate or quota" },
  since: { type: "string", value: "TIME", help: "from 2026-07-01T12:00:00Z on, or the last 30m, 12h, 7d" },
  limit: { type: "string", value: "N", help: "how many (50)" },
};

/** The ledger in the terminal. @source plugin-platform §8 */
export const auditCommands: readonly Command[] = [
  {
    name: ["audit"],
    args: "",
    summary: "what operators did; exit 1 when the chain is broken",
    example: "hearthnet audit",
    options: { limit: { type: "string", value: "N", help: "how many (50)" } },
    run: async ({ client, print, options }) => {
      const { items, chain_ok } = await client().get<{ items: AuditRow[]; chain_ok: boolean }>(
        `/audit?limit=${encodeURIComponent(String(options["limit"] ?? 50))}`,
      );
      print(
        { items, chain_ok },
        `${table(
          ["time", "who", "did", "to", "result"],
          items.map((r) => [r.at, r.actor, r.action, r.target, r.result]),
          "Nothing yet.",
        )}\n${chain_ok ? "Chain complete." : "CHAIN BROKEN: a row was changed or removed."}`,
      );
      return chain_ok ? 0 : 1;
    },
  },
  {
    name: ["audit", "list"],
    args: "",
    summary: "what plugins asked for and operators did, newest first",
    example: "hearthnet audit list --verdict deny --since 7d",
    options: FILTERS,
    run: async ({ client, print, options }) => {
      const { items } = await client().get<{ items: LedgerRow[] }>(`/ledger?${queryOf(options).toString()}`);
      print(items, table(HEAD, items.map(cells), "Nothing yet."));
    },
  },
  {
    name: ["audit", "tail"],
    args: "",
    summary: "the last rows, oldest first, and with --follow every new one",
    example: "hearthnet audit tail --plugin hearthnet/ocr",
    options: { ...FILTERS, follow: { type: "boolean", help: "go on until Ctrl+C" } },
    run: tail,
  },
  {
    name: ["audit", "verify"],
    args: "",
    summary: "check that no row was edited, removed or moved; exit 1 when one was",
    example: "hearthnet audit verify",
    options: {
      file: { type: "string", value: "PATH", help: "check an export instead; no node is needed" },
      node: { type: "string", value: "NODE_ID", help: "with --file: whose export it must be" },
    },
    run: verify,
  },
  {
    name: ["audit", "export"],
    args: "PATH",
    summary: "write rows and signed heads into a file that can be checked elsewhere",
    example: "hearthnet audit export audit.ndjson --since 7d",
    options: { since: { type: "string", value: "TIME", help: "leave out segments that end before it" } },
    run: exportTo,
  },
];

const HEAD = ["time", "plugin", "did", "permission", "on", "times", "verdict"];

function cells(row: LedgerRow): string[] {
  const { plugin, op, permission, target, count, verdict } = row;
  return [new Date(row.at).toISOString(), plugin === "" ? "-" : plugin, op, permission, target, String(count), verdict];
}

async function tail({ client, print, options, json, io }: Invocation): Promise<void> {
  const query = queryOf(options);
  const api = client();
  const read = async (): Promise<LedgerRow[]> =>
    (await api.get<{ items: LedgerRow[] }>(`/ledger?${query.toString()}`)).items.toReversed();
  let rows = await read();
  if (options["follow"] !== true) {
    print(rows, table(HEAD, rows.map(cells), "Nothing yet."));
    return;
  }
  for (;;) {
    for (const row of rows) io.out(json ? JSON.stringify(row) : cells(row).join("  "));
    query.set("after", String(rows.at(-1)?.seq ?? query.get("after") ?? 0));
    query.set("limit", "500");
    await delay(LOOK_MS);
    rows = await read();
  }
}

async function exportTo({ args, options, client, io, print }: Invocation): Promise<void> {
  const name = args[0] ?? "";
  const since = sinceOf(options["since"]);
  const file = createNamedFile(io, name);
  let rows = 0;
  try {
    for await (const line of client().lines(`/ledger/export${since === undefined ? "" : `?since=${since}`}`)) {
      if (line === "") continue;
      if (line.startsWith('{"row"')) rows += 1;
      writeFileSync(file, `${line}\n`);
    }
  } finally {
    closeSync(file);
  }
  print({ out: name, rows }, `Written to ${name}: ${rows} rows. Check it with: hearthnet audit verify --file ${name}`);
}

async function verify(invocation: Invocation): Promise<number> {
  const { client, print, options } = invocation;
  const { file, node } = options;
  if (file === undefined && node !== undefined) throw new UsageError("--node goes with --file.");
  const check =
    typeof file === "string" ? await verifyFile(invocation, file, node) : await client().get<LedgerCheck>("/ledger/check");
  print(check, sentence(check));
  return check.ok ? 0 : 1;
}

async function verifyFile({ io }: Invocation, name: string, node: unknown): Promise<LedgerCheck> {
  const found = await checkLedgerLines(readNamedLines(io, name), typeof node === "string" ? { nodeId: node } : {});
  if (found.check !== null) return found.check;
  throw new Refusal(
    found.of === null ? "This file is no export of a ledger." : `This is the ledger of another node: ${found.of}.`,
    {
      reason: "not_this_ledger",
      action: "Name a file that `hearthnet audit export` has written.",
    },
  );
}

function sentence({ ok, rows, first, last, fault, node_id }: LedgerCheck): string {
  if (!ok && fault !== undefined) return `BROKEN: row ${fault.seq} ${FAULTS[fault.kind]}. ${rows} rows before it hold.`;
  const reach = rows === 0 ? "" : ` (${first} to ${last})`;
  return `Whole: ${rows} rows${reach}, in order, unaltered, signed by ${node_id}.`;
}

function queryOf(options: Invocation["options"]): URLSearchParams {
  const { plugin, op, verdict, since, limit } = options;
  const query = new URLSearchParams({ limit: String(limit ?? 50) });
  if (limit !== undefined && !/^[1-9]\d{0,3}$/.test(String(limit)))
    throw new UsageError("--limit wants a whole number from 1 on.");
  if (typeof plugin === "string") query.set("plugin", pathOf(plugin));
  if (typeof op === "string") query.set("op", op);
  if (typeof verdict === "string") query.set("verdict", verdict);
  const from = sinceOf(since);
  if (from !== undefined) query.set("since", String(from));
  return query;
}

function sinceOf(text: unknown): number | undefined {
  if (typeof text !== "string") return undefined;
  const [, n, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (n !== undefined && unit !== undefined) return Math.max(0, Date.now() - Number(n) * (UNITS[unit] ?? 0));
  if (isTime(text)) return Math.max(0, parseTime(text));
  throw new UsageError("--since wants a time like 2026-07-01T12:00:00Z, or a length like 30m, 12h, 7d.");
}
