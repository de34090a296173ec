import { Readable } from "node:stream";
import type { LedgerFilter, LedgerOutcome } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { writeLedgerLine } from "../../format/index.ts";
import { type AdminContext, ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { limitOf } from "./node.ts";

const VERDICTS: readonly LedgerOutcome[] = ["allow", "deny", "simulate", "quota"];
const TEXT_MAX = 128;

/** What plugins asked for and operators did, row by row. @source plugin-platform §8.3 */
export const ledgerRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/ledger",
    role: "operator",
    handle: (request: ApiRequest, { services }) => ({ items: services.runtime.ledgerView.rows(filterOf(request)) }),
  },
  {
    method: "GET",
    path: "/ledger/check",
    role: "operator",
    handle: (_request: ApiRequest, { services }) => services.runtime.ledgerView.check(),
  },
  {
    method: "GET",
    path: "/ledger/export",
    role: "owner",
    handle: (request: ApiRequest, context) => exportOf(request, context),
  },
];

function filterOf(request: ApiRequest): LedgerFilter {
  const { plugin, op, verdict } = request.query;
  const known = VERDICTS.find((one) => one === verdict);
  if (verdict !== undefined && known === undefined)
    throw new HnError("bad_request", { message: `A verdict is one of ${VERDICTS.join(", ")}.` });
  const numbers = { since: wholeOf(request, "since"), before: wholeOf(request, "before"), after: wholeOf(request, "after") };
  return {
    limit: limitOf(request, 50),
    ...(plugin === undefined ? {} : { plugin: plugin.slice(0, TEXT_MAX) }),
    ...(op === undefined ? {} : { op: op.slice(0, TEXT_MAX) }),
    ...(known === undefined ? {} : { verdict: known }),
    ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined)),
  };
}

function wholeOf({ query }: Pick<ApiRequest, "query">, name: string): number | undefined {
  const value = query[name];
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new HnError("bad_request", { message: `The value of ${name} is a whole number.` });
  return Number(value);
}

/** One JSON object a line, as far as the reader takes them; `hearthnet audit verify --file` checks it anywhere. */
function exportOf(request: ApiRequest, { services }: AdminContext): ApiReply {
  const lines = services.runtime.ledgerView.lines({ since: wholeOf(request, "since") ?? 0 });
  const texts = (function* () {
    for (const line of lines) yield writeLedgerLine(line);
  })();
  return new ApiReply(Readable.from(texts), { type: "application/x-ndjson" });
}
