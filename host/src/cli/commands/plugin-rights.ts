import { resolve } from "node:path";
import { UsageError } from "../../command-line/index.ts";
import type { Grant, GrantInput, JsonObject, PluginDetail, Question, RoleState, TrialState } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Command, Invocation } from "../command.ts";
import { readGrant, readUntil } from "../grant-option.ts";
import { pathOf } from "../plugin-path.ts";
import { table } from "../table.ts";

const when = (at: number): string => new Date(at).toISOString();
const EXAMPLE = "hearthnet/ocr";

/** What the operator decides about rights. @source plugin-platform §3.3, §3.4 */
export const rightsCommands: readonly Command[] = [
  {
    name: ["plugin", "grants"],
    args: "ID",
    summary: "what it is allowed, and until when",
    example: `hearthnet plugin grants ${EXAMPLE}`,
    run: async ({ args, client, print }) => {
      const { items } = await client().get<{ items: Grant[] }>(`/plugins/${pathOf(args[0])}/grants`);
      const rows = items.map((grant) => [grant.permission, decision(grant), untilOf(grant), JSON.stringify(grant.scope)]);
      print(items, table(["permission", "decision", "until", "scope"], rows, "It is allowed nothing."));
    },
  },
  {
    name: ["plugin", "grant"],
    args: "ID PERMISSION[=SCOPE]",
    summary: "allow it one permission that it asks for, or a part of it with a scope as JSON",
    example: `hearthnet plugin grant ${EXAMPLE} proc.worker`,
    options: {
      ask: { type: "boolean", help: "be asked each time it wants to use it" },
      for: { type: "string", value: "TIME", help: "only for so long: 30m, 12h, 7d" },
      folder: { type: "string", value: "PATH", help: "the folder to lend, for fs.mount" },
      confirm: { type: "string", value: "ID", help: "needed for a permission of weight 4 or 5" },
    },
    run: (invocation) => setGrant(invocation, invocation.options["ask"] === true ? "ask" : "allow"),
  },
  {
    name: ["plugin", "revoke"],
    args: "ID PERMISSION",
    summary: "take one permission away, at once",
    example: `hearthnet plugin revoke ${EXAMPLE} proc.worker`,
    run: (invocation) => setGrant(invocation, "deny"),
  },
  {
    name: ["plugin", "ask"],
    args: "[QUESTION] [ANSWER]",
    summary: "what plugins ask at the moment; answer with once, allow or deny within 30 s",
    example: "hearthnet plugin ask 01J8Z3K5T9 once",
    run: ask,
  },
  {
    name: ["plugin", "trial", "start"],
    args: "ID",
    summary: "try it out: what it may not do is only simulated and noted; neighbours are not answered meanwhile",
    example: `hearthnet plugin trial start ${EXAMPLE} --hours 2`,
    options: { hours: { type: "string", value: "N", help: "how long, at most 24 (24)" } },
    run: async ({ args, options, client, print }) => {
      const hours = Number(options["hours"] ?? 24);
      if (!(hours > 0 && hours <= 24)) throw new UsageError("--hours wants a number up to 24.");
      const trial = await client().send<TrialState>("POST", trialOf(args[0]), { hours });
      print(
        trial,
        `The trial run goes on until ${when(trial.until)}. Use the plugin, then: hearthnet plugin trial proposal ${args[0]}`,
      );
    },
  },
  {
    name: ["plugin", "trial", "status"],
    args: "ID",
    summary: "whether a trial run goes on, and until when",
    example: `hearthnet plugin trial status ${EXAMPLE}`,
    run: async ({ args, client, print }) => {
      const { trial } = await client().get<{ trial: TrialState | null }>(trialOf(args[0]));
      print(
        trial,
        trial === null ? "No trial run goes on." : `A trial run goes on since ${when(trial.since)}, until ${when(trial.until)}.`,
      );
    },
  },
  {
    name: ["plugin", "trial", "proposal"],
    args: "ID",
    summary: "the smallest rights under which everything it did so far would have been allowed",
    example: `hearthnet plugin trial proposal ${EXAMPLE}`,
    run: async (invocation) => {
      const { proposal } = await running(invocation);
      const rows = proposal.grants.map(({ permission, scope, weight, uses }) => [
        permission,
        String(weight),
        String(uses),
        JSON.stringify(scope),
      ]);
      invocation.print(
        proposal,
        [
          table(["permission", "weight", "used", "scope"], rows, "It has used nothing so far."),
          `not used: ${proposal.unused.join(", ") || "-"}`,
          `cannot be tried, stay as they are: ${proposal.untried.join(", ") || "-"}`,
        ].join("\n"),
      );
    },
  },
  {
    name: ["plugin", "trial", "accept"],
    args: "ID",
    summary: "grant exactly what is proposed, deny the rest, end the trial run",
    example: `hearthnet plugin trial accept ${EXAMPLE}`,
    options: { confirm: { type: "string", value: "ID", help: "needed when a permission of weight 4 or 5 is proposed" } },
    run: async (invocation) => {
      const { args, options, client, print } = invocation;
      const { proposal } = await running(invocation);
      const { items } = await client().send<{ items: Grant[] }>("POST", `${trialOf(args[0])}/accept`, {
        digest: proposal.digest,
        ...(typeof options["confirm"] === "string" ? { confirm_id: options["confirm"] } : {}),
      });
      const given = items.filter(({ mode }) => mode === "allow").map(({ permission }) => permission);
      print(items, `Granted: ${given.join(", ") || "nothing"}.`);
    },
  },
  {
    name: ["plugin", "trial", "stop"],
    args: "ID",
    summary: "end the trial run; the rights before come back",
    example: `hearthnet plugin trial stop ${EXAMPLE}`,
    run: async ({ args, client, print }) => {
      await client().send("DELETE", trialOf(args[0]));
      print({ stopped: args[0] }, "The trial run is over.");
    },
  },
  {
    name: ["plugin", "roles"],
    args: "",
    summary: "exclusive roles: which plugin has each, and which could",
    example: "hearthnet plugin roles",
    run: async ({ client, print }) => {
      const { items } = await client().get<{ items: RoleState[] }>("/roles");
      const rows = items.map(({ role, holder, candidates }) => [role, holder ?? "-", candidates.join(" ") || "-"]);
      print(items, table(["role", "plugin", "could have it"], rows, ""));
    },
  },
  {
    name: ["plugin", "role"],
    args: "ROLE [ID]",
    summary: "give an exclusive role to a plugin; without ID take it from whoever has it",
    example: "hearthnet plugin role blob-store hearthnet/files",
    options: { "instead-of": { type: "string", value: "ID", help: "the plugin that has it now" } },
    run: async ({ args, options, client, print }) => {
      const [role = "", id] = args;
      const state = await client().send<RoleState>("PUT", `/roles/${encodeURIComponent(role)}`, {
        plugin: id ?? null,
        ...(typeof options["instead-of"] === "string" ? { instead: options["instead-of"] } : {}),
      });
      print(
        state,
        state.holder === null ? `Nobody has the role ${state.role} now.` : `${state.holder} has the role ${state.role}.`,
      );
    },
  },
];

const trialOf = (id: string | undefined): string => `/plugins/${pathOf(id)}/trial`;

function decision({ mode, expires }: Grant): string {
  if (expires !== undefined && expires <= Date.now()) return "denied, run out";
  return { allow: "allowed", ask: "asked each time", audit: "only tried", deny: "denied" }[mode];
}

const untilOf = ({ expires }: Grant): string => (expires === undefined ? "-" : when(expires));

/** @throws not_found no_trial */
async function running({ args, client }: Invocation): Promise<TrialState> {
  const { trial } = await client().get<{ trial: TrialState | null }>(trialOf(args[0]));
  if (trial === null) throw new HnError("not_found", { reason: "no_trial" });
  return trial;
}

async function ask({ args, client, print }: Invocation): Promise<void> {
  const api = client();
  const [id, answer] = args;
  if (id === undefined) {
    const { items } = await api.get<{ items: Question[] }>("/questions");
    const rows = items.map(({ id: question, plugin, permission, target, until }) => [
      question,
      plugin,
      permission,
      target === permission ? "-" : target,
      `${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s`,
    ]);
    print(items, table(["question", "plugin", "permission", "for", "left"], rows, "No plugin asks anything."));
    return;
  }
  if (answer !== "once" && answer !== "allow" && answer !== "deny")
    throw new UsageError("The answer is once, allow or deny. Example: hearthnet plugin ask 01J8Z3K5T9 once");
  const path = `/questions/${encodeURIComponent(id)}`;
  const question =
    answer === "allow"
      ? await api.send<Question>("POST", `${path}/allow`, {})
      : await api.send<Question>("POST", `${path}/answer`, { answer });
  print(question, { once: "Allowed this once.", allow: "Allowed from now on.", deny: "Denied." }[answer]);
}

async function setGrant({ args, options, client, print }: Invocation, mode: GrantInput["mode"]): Promise<void> {
  const { folder } = options;
  const asked = readGrant(args[1] ?? "", mode);
  if (mode !== "deny" && (asked.permission === "fs.mount") !== (typeof folder === "string"))
    throw new UsageError("--folder names the folder to lend; fs.mount needs it, and no other permission has one.");
  const api = client();
  const wanted = typeof folder === "string" ? { ...asked, scope: await mountScope(api, { id: args[0] ?? "", folder }) } : asked;
  const path = `/plugins/${pathOf(args[0])}/grants`;
  const { items, etag } = await api.get<{ items: Grant[]; etag: string }>(path);
  const others = items.filter(({ permission }) => permission !== wanted.permission).flatMap(keptRow);
  const done = await api.send<{ items: Grant[] }>("PUT", path, {
    grants: [
      ...others,
      { ...wanted, ...(typeof options["for"] === "string" ? { expires: readUntil(options["for"], Date.now()) } : {}) },
    ],
    etag,
    ...(typeof options["confirm"] === "string" ? { confirm_id: options["confirm"] } : {}),
  });
  print(done.items, { allow: "Granted.", ask: "You are asked each time.", deny: "Taken away." }[mode]);
}

/** A row as it is; what is only tried in a trial run ends with it. */
function keptRow({ permission, scope, mode, expires }: Grant): GrantInput[] {
  return mode === "audit" ? [] : [{ permission, scope, mode, ...(expires === undefined ? {} : { expires }) }];
}

/** What the plugin asks for, with the folder that it is to have. */
async function mountScope(api: ReturnType<Invocation["client"]>, o: { id: string; folder: string }): Promise<JsonObject> {
  const { manifest } = await api.get<PluginDetail>(`/plugins/${pathOf(o.id)}`);
  const wish = [...manifest.permissions, ...(manifest.optionalPermissions ?? [])].find(({ name }) => name === "fs.mount");
  return { ...wish?.scope, path: resolve(o.folder) };
}
