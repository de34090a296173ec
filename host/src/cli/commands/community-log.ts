import { UsageError } from "../../command-line/index.ts";
import type {
  Event,
  GossipFacts,
  LocalError,
  LogCheck,
  LogStatus,
  Proposal,
  SnapshotFacts,
  SyncReport,
} from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { shortId } from "../../identity/index.ts";
import type { Command } from "../command.ts";
import { table } from "../table.ts";

const VERBS: Record<string, Proposal["action"]> = {
  promote: "community.member.promoted",
  demote: "community.member.demoted",
  revoke: "community.member.revoked",
};
const STAGES = ["equal", "by heads", "by ranges", "by everything, though the sums were equal"];
const time = (ms: number | null): string => (ms === null ? "never" : new Date(ms).toISOString());

/** @source architecture §5, 04, network.md §5 */
export const communityLogCommands: readonly Command[] = [
  {
    name: ["community", "status"],
    args: "",
    summary: "how the community's log stands here and with whom it was exchanged",
    example: "hearthnet community status",
    run: async ({ client, print }) => {
      const status = await client().get<LogStatus & { peers: GossipFacts[] }>("/community/log");
      print(status, describe(status));
    },
  },
  {
    name: ["community", "events"],
    args: "",
    summary: "the last events of the log, oldest first",
    example: "hearthnet community events --limit 50",
    options: { limit: { type: "string", value: "N", help: "how many, 500 at most (20)" } },
    run: async ({ options, client, print }) => {
      const limit = Number(options["limit"] ?? 20);
      if (!Number.isInteger(limit) || limit < 1) throw new UsageError("--limit is a number from 1.");
      const { items } = await client().get<{ items: Event[] }>(`/community/log/events?limit=${limit}`);
      print(
        items,
        table(
          ["lamport", "written", "author", "type", "id"],
          items.map((e) => [String(e.lamport), e.wall_clock, shortId(e.author), e.event_type, e.event_id]),
          "Nothing yet.",
        ),
      );
    },
  },
  {
    name: ["community", "verify"],
    args: "",
    summary: "read the whole log again: every byte, signature and sum",
    example: "hearthnet community verify",
    run: async ({ client, print }) => {
      const check = await client().send<LogCheck>("POST", "/community/log/verify", {});
      const { events, broken, sums_fit: fit } = check;
      if (broken.length > 0 || !fit)
        throw new HnError("internal_error", {
          reason: "db_corrupt",
          message: `${broken.length} of ${events} events do not verify${fit ? "" : ", and the sums do not fit"}. First: ${broken[0]?.event_id ?? "-"}.`,
        });
      print(check, `${events} events verify, and their sums fit.`);
    },
  },
  {
    name: ["community", "sync"],
    args: "",
    summary: "exchange the log with every member in reach, now",
    example: "hearthnet community sync",
    run: async ({ client, print }) => {
      interface Row {
        node_id: string;
        report: SyncReport | null;
        error: LocalError | null;
      }
      const { items } = await client().send<{ items: Row[] }>("POST", "/community/log/sync", {});
      print(
        items,
        table(
          ["member", "received", "sent", "requests", "how"],
          items.map(({ node_id, report, error }) =>
            report === null
              ? [shortId(node_id), "-", "-", "-", error?.message ?? ""]
              : [
                  shortId(node_id),
                  String(report.received),
                  String(report.sent),
                  String(report.rounds),
                  STAGES[report.stage] ?? "",
                ],
          ),
          "No member is in reach.",
        ),
      );
    },
  },
  {
    name: ["community", "snapshot"],
    args: "",
    summary: "write a signed snapshot of the log's sums; the last seven are kept",
    example: "hearthnet community snapshot",
    run: async ({ client, print }) => {
      const made = await client().send<SnapshotFacts>("POST", "/community/log/snapshot", {});
      print(made, `Covers everything up to ${made.covers_events_up_to} of ${made.lamport}: ${made.path}`);
    },
  },
  {
    name: ["community", "prune"],
    args: "",
    summary:
      "remove events older than 30 days that a snapshot covers; trust history stays, plugins that start anew no longer see them",
    example: "hearthnet community snapshot && hearthnet community prune",
    run: async ({ client, print }) => {
      const done = await client().send<{ pruned: number; floor: number }>("POST", "/community/log/prune", {});
      print(done, done.pruned === 0 ? "Nothing may go yet." : `${done.pruned} events are gone, all below ${done.floor}.`);
    },
  },
  {
    name: ["community", "propose"],
    args: "promote|demote|revoke NODE_ID",
    summary: "begin an act that several members must sign, and hand its text on",
    example: 'hearthnet community propose revoke ed25519:6kps… --reason "stolen"',
    options: {
      level: { type: "string", value: "LEVEL", help: "member, trusted or anchor, for promote and demote" },
      reason: { type: "string", value: "TEXT", help: "for the other members, for revoke" },
    },
    run: async ({ args, options, client, print }) => {
      const action = VERBS[args[0] ?? ""];
      if (action === undefined) throw new UsageError("Propose promote, demote or revoke.");
      const isRevoke = action === "community.member.revoked";
      const made = await client().send<Proposal>("POST", "/community/proposals", {
        action,
        target: args[1] ?? "",
        ...(isRevoke ? { reason: options["reason"] ?? "not stated" } : { level: options["level"] ?? "trusted" }),
      });
      print(made, inWords(made));
    },
  },
  ...(["cosign", "proposal"] as const).map((verb): Command => ({
    name: ["community", verb],
    args: "TEXT",
    summary: verb === "cosign" ? "sign what another member has proposed" : "what a proposal says and who has signed it",
    example: `hearthnet community ${verb} hncosign://v1/eyJ…`,
    run: async ({ args, client, print }) => {
      const path = `/community/proposals/${verb === "cosign" ? "cosign" : "read"}`;
      const read = await client().send<Proposal>("POST", path, { text: args[0] ?? "" });
      print(read, inWords(read));
    },
  })),
  {
    name: ["community", "submit"],
    args: "TEXT",
    summary: "carry out what enough members have signed",
    example: "hearthnet community submit hncosign://v1/eyJ…",
    run: async ({ args, client, print }) => {
      const done = await client().send<{ event_id: string }>("POST", "/community/proposals/submit", { text: args[0] ?? "" });
      print(done, "Done; it stands in the log.");
    },
  },
];

function describe(status: LogStatus & { peers: GossipFacts[] }): string {
  const { equivocations, peers } = status;
  return [
    `Head ${status.head}, ${status.events} events in ${Math.ceil(status.size_bytes / 1024)} KiB, ${status.members} members`,
    status.sum === null ? "The log is still being read." : `Sum ${status.sum} over ${status.counted ?? 0} events`,
    ...(status.waiting > 0 ? [`${status.waiting} events wait for their author to be known`] : []),
    ...(status.floor > 0 ? [`Pruned below ${status.floor}`] : []),
    ...(status.own_state_confirmed
      ? []
      : ["This node may have lost its own last events. It writes nothing until two neighbours were asked."]),
    ...(equivocations.length > 0
      ? [
          "Signed twice where one event may stand; that key may be used on two devices:",
          table(
            ["author", "event", "what", "seen"],
            equivocations.map((e) => [
              e.author,
              e.event_id,
              e.kind === "one_id" ? "two events of one id" : "two events at one place",
              time(e.seen_at),
            ]),
            "",
          ),
        ]
      : []),
    table(
      ["member", "exchanged", "how", "failures"],
      peers.map((p) => [
        shortId(p.node_id),
        time(p.synced_at),
        p.stage === null ? "" : (STAGES[p.stage] ?? ""),
        String(p.failures),
      ]),
      "No member is in reach.",
    ),
  ].join("\n");
}

function inWords({
  action,
  target_node_id: target,
  new_level: level,
  reason,
  signers,
  not_after: until,
  enough,
  text,
}: Proposal): string {
  const verb = action.slice("community.member.".length);
  return [
    `${shortId(target)} is to be ${verb}${level === undefined ? "" : ` to ${level}`}${reason === undefined ? "" : `: ${reason}`}`,
    `Signed by ${signers.map(shortId).join(", ")}; holds until ${until}`,
    enough ? "Enough have signed: submit it." : "More must sign: hand it on.",
    text,
  ].join("\n");
}
