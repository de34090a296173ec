import { randomBytes } from "node:crypto";
import { renderUnicodeCompact } from "uqr";
import { UsageError } from "../../command-line/index.ts";
import type { IssuedToken, NodeFacts, TokenIssueBody, TokenReport, TokenScope } from "../../contract/index.ts";
import { createUlidFactory, formatTime, systemClock } from "../../foundation/index.ts";
import { readFreshDeviceId, shortId } from "../../identity/index.ts";
import type { Command, Invocation } from "../command.ts";
import { table } from "../table.ts";

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

export const tokenCommands: readonly Command[] = [
  {
    name: ["token", "issue"],
    args: "NODE_ID",
    summary: "let a device call some capabilities for a while, within your own rights",
    example: "hearthnet token issue ed25519:6kps… --allow ocr.image@1.0 --for 2h --calls 20",
    options: {
      allow: { type: "string", multiple: true, value: "NAME@X.Y", help: "what may be called; may be repeated" },
      only: { type: "string", multiple: true, value: "PARAM=VALUE", help: "allowed value of a parameter; may be repeated" },
      for: { type: "string", value: "TIME", help: "how long it counts: 30m, 2h, 1d (1h)" },
      calls: { type: "string", value: "N", help: "so many calls in all, counted by one node (this one, or --at)" },
      "per-minute": { type: "string", value: "N", help: "so many calls a minute (60)" },
      at: { type: "string", value: "NODE_ID", help: "the only node that takes it; `any`: every node, each with its own count" },
      qr: { type: "boolean", help: "show it as a code to scan as well" },
    },
    run: issue,
  },
  {
    name: ["token", "list"],
    args: "",
    summary: "tokens of this node: for whom, what is left of them",
    example: "hearthnet token list",
    run: async ({ client, print }) => {
      const { items } = await client().get<{ items: IssuedToken[] }>("/tokens");
      print(
        items,
        table(
          ["id", "for", "allows", "until", "calls left", "state"],
          items.map((one) => [
            one.token_id,
            nameOf(one.subject),
            one.scope.capabilities.join(" "),
            formatTime(one.expires_at * 1000),
            one.calls_left === null ? "-" : String(one.calls_left),
            one.state,
          ]),
          "No tokens yet. `hearthnet token issue --help` shows how to make one.",
        ),
      );
    },
  },
  {
    name: ["token", "inspect"],
    args: "TOKEN",
    summary: "what a token says, and whether it would count here",
    example: "hearthnet token inspect hntoken://v1/eyJ…",
    run: async ({ args, client, print }) => {
      const report = await client().send<TokenReport>("POST", "/tokens/inspect", { token: args[0] });
      const { claims, error } = report;
      const text = [
        error === null
          ? "It counts here."
          : `It does not count here: ${error.message ?? error.error} ${error.action ?? ""}`.trim(),
        `Issued by  ${claims.iss}`,
        `For        ${claims.sub === "*" ? "whoever holds it" : claims.sub}`,
        ...(claims.act === undefined ? [] : [`Asked by   ${claims.act}`]),
        `Allows     ${wordsOf(claims.scope)}`,
        `At         ${claims.aud_node ?? "every node of the community"}`,
        `Until      ${formatTime(claims.exp * 1000)}`,
        `Id         ${claims.jti}`,
      ];
      print(report, text.join("\n"));
      return error === null ? 0 : 1;
    },
  },
  {
    name: ["token", "revoke"],
    args: "TOKEN_ID",
    summary: "end a token at once, everywhere",
    example: "hearthnet token revoke 01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    options: { reason: { type: "string", value: "WHY", help: "manual, policy or compromise (manual)" } },
    run: async ({ args, options, client, print }) => {
      const reason = options["reason"] ?? "manual";
      if (reason !== "manual" && reason !== "policy" && reason !== "compromise")
        throw new UsageError("--reason is manual, policy or compromise.");
      const id = args[0] ?? "";
      if (!/^[0-9A-Z]{26}$/.test(id))
        throw new UsageError("A token's id has 26 digits and capital letters; `hearthnet token list` shows it.");
      const done = await client().send<{ event_id: string }>("DELETE", `/tokens/${id}?reason=${reason}`);
      print(done, "Revoked. Neighbours refuse it as soon as the news reaches them.");
    },
  },
];

async function issue(invocation: Invocation): Promise<void> {
  const { args, options, client, print } = invocation;
  const capabilities = listOf(options["allow"]);
  if (capabilities.length === 0) throw new UsageError("--allow names what may be called, for example --allow ocr.image@1.0.");
  const calls = whole(options["calls"], "--calls");
  const rate = whole(options["per-minute"], "--per-minute");
  const only = constraints(listOf(options["only"]));
  const scope: TokenScope = {
    capabilities,
    ...(only === undefined ? {} : { params_constraints: only }),
    ...(rate === undefined ? {} : { rate_limit_per_minute: rate }),
    ...(calls === undefined ? {} : { max_calls_total: calls }),
  };
  const at = await placeOf(invocation, calls);
  const body: TokenIssueBody = {
    client_id: createUlidFactory(systemClock, (n) => randomBytes(n))(),
    subject: readFreshDeviceId(args[0] ?? "").node_id,
    scope,
    ...(options["for"] === undefined ? {} : { ttl_seconds: lifeOf(options["for"]) }),
    ...(at === undefined ? {} : { aud_node: at }),
  };
  const made = await client().send<{ token: string; token_id: string }>("POST", "/tokens", body);
  const text = [
    `For the device ${shortId(body.subject)} alone, shown this once:`,
    made.token,
    ...(options["qr"] === true ? [renderUnicodeCompact(made.token, { ecc: "L", border: 2 })] : []),
    `It allows ${wordsOf(scope)}.`,
    ...(calls !== undefined && at === undefined
      ? ["Every node counts the calls for itself: name one with --at to make it one count."]
      : []),
    `End it with: hearthnet token revoke ${made.token_id}`,
  ];
  print(made, text.join("\n"));
}

/** One count needs one node that counts. @source 05 K-8 */
async function placeOf({ options, client }: Invocation, calls: number | undefined): Promise<string | undefined> {
  const { at } = options;
  if (at === "any" || (at === undefined && calls === undefined)) return undefined;
  return typeof at === "string" ? readFreshDeviceId(at).node_id : (await client().get<NodeFacts>("/node")).node_id;
}

function listOf(option: unknown): string[] {
  return Array.isArray(option) ? option.filter((one) => typeof one === "string") : [];
}

function constraints(pairs: readonly string[]): Record<string, string[]> | undefined {
  if (pairs.length === 0) return undefined;
  const out = new Map<string, string[]>();
  for (const pair of pairs) {
    const cut = pair.indexOf("=");
    if (cut < 1) throw new UsageError(`--only wants PARAM=VALUE, not "${pair}".`);
    const key = pair.slice(0, cut);
    out.set(key, [...(out.get(key) ?? []), pair.slice(cut + 1)]);
  }
  return Object.fromEntries(out);
}

function whole(value: unknown, option: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" || !/^[1-9]\d{0,6}$/.test(value)) throw new UsageError(`${option} wants a whole number from 1.`);
  return Number(value);
}

/** Seconds. */
function lifeOf(value: unknown): number {
  const [, count, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(typeof value === "string" ? value : "") ?? [];
  if (count === undefined || unit === undefined) throw new UsageError("--for wants a time such as 30m, 2h or 1d.");
  return Number(count) * (UNITS[unit] ?? 1);
}

function nameOf(subject: string): string {
  return subject === "*" ? "whoever holds it" : shortId(subject);
}

function wordsOf({ capabilities, params_constraints = {}, rate_limit_per_minute, max_calls_total }: TokenScope): string {
  const only = Object.entries(params_constraints).map(([key, values]) => `${key} only ${values.join(" or ")}`);
  return [
    capabilities.join(", "),
    ...only,
    ...(typeof max_calls_total === "number" ? [`${max_calls_total} calls in all`] : []),
    `${rate_limit_per_minute ?? 60} calls a minute`,
  ].join("; ");
}
