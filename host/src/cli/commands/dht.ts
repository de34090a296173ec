import type { DhtKind, DhtStatus, DhtValue } from "../../contract/index.ts";
import type { Command, Invocation } from "../command.ts";
import { table } from "../table.ts";

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
const CID = "blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f";

/** @source architecture §5, 06 §7 */
export const dhtCommands: readonly Command[] = [
  { name: ["dht"], args: "", summary: "the same as `dht status`", example: "hearthnet dht", run: status },
  {
    name: ["dht", "status"],
    args: "",
    summary: "this node's part in finding others over the internet",
    example: "hearthnet dht status",
    run: status,
  },
  {
    name: ["dht", "find"],
    args: "KIND SUBJECT",
    summary: "who says something about a node, a file or a community; hints, not facts",
    example: `hearthnet dht find cid ${CID}`,
    run: async (invocation) => show(invocation, await find(invocation, invocation.args[0] ?? "", invocation.args[1] ?? "")),
  },
  {
    name: ["dht", "get"],
    args: "SUBJECT",
    summary: "as `dht find`, for everything that the subject can be",
    example: `hearthnet dht get ${CID}`,
    run: async (invocation) => {
      const subject = invocation.args[0] ?? "";
      const kinds: DhtKind[] = subject.startsWith("blake3:") ? ["cid"] : ["presence", "community"];
      const found = [];
      for (const kind of kinds) found.push(...(await find(invocation, kind, subject)));
      show(invocation, found);
    },
  },
  {
    name: ["dht", "put"],
    args: "CID",
    summary: "say that this node holds a file, to everybody, until it stops",
    example: `hearthnet dht put ${CID}`,
    options: { withdraw: { type: "boolean", help: "say it no longer; what others keep runs out within an hour" } },
    run: async ({ args, options, client, print }) => {
      const path = `/dht/own/${encodeURIComponent(args[0] ?? "")}`;
      if (options["withdraw"] === true) {
        await client().send("DELETE", path);
        return print({ withdrawn: args[0] }, "Not said any more.");
      }
      const done = await client().send<{ stored: number }>("POST", path, {});
      print(done, `Kept by ${done.stored} nodes.`);
    },
  },
];

async function status({ client, print }: Invocation): Promise<void> {
  const found = await client().get<DhtStatus>("/dht");
  const own = found.own.map(({ kind, key, expires_at }) => [kind, key, time(expires_at)]);
  print(
    found,
    found.enabled
      ? [
          `${found.contacts} contacts, ${found.values} values kept`,
          table(["offered", "key", "until"], own, "This node offers nothing; name its dht.publicEndpoint to be found."),
        ].join("\n")
      : 'Off. Switch it on in hearthnet.config.ts: dht: { enabled: true, bootstrap: ["HOST:PORT"] }',
  );
}

async function find({ client }: Invocation, kind: string, subject: string): Promise<DhtValue[]> {
  const query = new URLSearchParams({ kind, subject });
  return (await client().get<{ items: DhtValue[] }>(`/dht/values?${query.toString()}`)).items;
}

function show({ print }: Invocation, items: DhtValue[]): void {
  print(
    items,
    table(
      ["signed by", "kind", "until", "where"],
      items.map(({ payload }) => [
        payload.node_id,
        payload.kind,
        time(payload.expires_at),
        "endpoints" in payload ? payload.endpoints.map(({ host, port }) => `${host}:${port}`).join(" ") : "",
      ]),
      "Nobody says anything about it.",
    ),
  );
}
