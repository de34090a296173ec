import type { DhtStatus, DhtValue } from "../../contract/index.ts";
import type { Command } from "../command.ts";
import { table } from "../table.ts";

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** @source architecture §5, 06 §7 */
export const dhtCommands: readonly Command[] = [
  {
    name: ["dht"],
    args: "",
    summary: "this node's part in finding others over the internet",
    example: "hearthnet dht",
    run: async ({ client, print }) => {
      const status = await client().get<DhtStatus>("/dht");
      const own = status.own.map(({ kind, key, expires_at }) => [kind, key, time(expires_at)]);
      print(
        status,
        status.enabled
          ? [
              `${status.contacts} contacts, ${status.values} values kept`,
              table(["offered", "key", "until"], own, "This node offers nothing; name its dht.publicEndpoint to be found."),
            ].join("\n")
          : 'Off. Switch it on in hearthnet.config.ts: dht: { enabled: true, bootstrap: ["HOST:PORT"] }',
      );
    },
  },
  {
    name: ["dht", "find"],
    args: "KIND SUBJECT",
    summary: "who says something about a node, a file or a community; hints, not facts",
    example: "hearthnet dht find cid blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f",
    run: async ({ args, client, print }) => {
      const query = new URLSearchParams({ kind: args[0] ?? "", subject: args[1] ?? "" });
      const { items } = await client().get<{ items: DhtValue[] }>(`/dht/values?${query.toString()}`);
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
    },
  },
];
