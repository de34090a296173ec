import { UsageError } from "../../command-line/index.ts";
import type { PeerExplanation, PeerRow } from "../../contract/index.ts";
import type { Command } from "../command.ts";
import { table } from "../table.ts";

export const peerCommands: readonly Command[] = [
  {
    name: ["peer", "add"],
    args: "HOST:PORT",
    summary: "remember a node by its address",
    example: "hearthnet peer add 192.0.2.25:7080",
    options: { node: { type: "string", value: "NODE_ID", help: "refuse any other node at that address" } },
    run: async ({ args, options, client, print }) => {
      const match = /^(\[[0-9a-f:]+\]|[^:]+):(\d{1,5})$/i.exec(args[0] ?? "");
      if (match === null) throw new UsageError(`"${args[0] ?? ""}" is not HOST:PORT. Example: 192.0.2.25:7080`);
      const peer = await client().send<PeerRow>("POST", "/peers", {
        host: match[1]?.replace(/^\[|\]$/g, ""),
        port: Number(match[2]),
        ...(typeof options["node"] === "string" ? { node_id: options["node"] } : {}),
      });
      print(peer, `${peer.display_name}  ${peer.node_id}`);
    },
  },
  {
    name: ["peer", "list"],
    args: "",
    summary: "known nodes",
    example: "hearthnet peer list",
    run: async ({ client, print }) => {
      const { items } = await client().get<{ items: PeerRow[] }>("/peers");
      print(
        items,
        table(
          ["name", "id", "level", "state", "address", "known by", "ms", "offers"],
          items.map((p) => [
            p.display_name,
            p.node_id,
            p.level,
            p.state,
            p.endpoints[0] === undefined ? "-" : placeOf(p.endpoints[0]),
            p.sources.join(" "),
            p.rtt_ms === null ? "-" : String(p.rtt_ms),
            p.capabilities.join(" "),
          ]),
          "No neighbours yet.",
        ),
      );
    },
  },
  {
    name: ["peer", "explain"],
    args: "NODE_ID",
    summary: "why a node is known, where it was found and how it answered there",
    example: "hearthnet peer explain ed25519:A6EH…",
    run: async ({ args, client, print }) => {
      const peer = await client().get<PeerExplanation>(`/peers/${encodeURIComponent(args[0] ?? "")}`);
      print(peer, explained(peer));
    },
  },
  {
    name: ["peer", "remove"],
    args: "NODE_ID",
    summary: "forget a node's address",
    example: "hearthnet peer remove ed25519:A6EH…",
    run: async ({ args, client, print }) => {
      await client().send("DELETE", `/peers/${encodeURIComponent(args[0] ?? "")}`);
      print({ removed: args[0] }, "Forgotten.");
    },
  },
];

function explained(peer: PeerExplanation): string {
  return [
    `${peer.display_name}  ${peer.node_id}`,
    `${peer.state}, ${peer.level}, last seen ${time(peer.last_seen)}`,
    ...(peer.rests_until === null ? [] : [`Asked again at ${time(peer.rests_until)} at the earliest.`]),
    "",
    table(
      ["address", "reached as", "by", "answered", "ms", "failures"],
      peer.addresses.map((one) => [
        placeOf(one),
        one.reach,
        one.source,
        time(one.last_ok),
        one.rtt_ms === null ? "-" : String(one.rtt_ms),
        String(one.failures),
      ]),
      "No address is known.",
    ),
    "",
    table(
      ["known by", "since", "until", "in short"],
      peer.evidence.map((one) => [one.source, time(one.at), one.expires === null ? "taken back" : time(one.expires), one.detail]),
      "Nothing speaks for it any more.",
    ),
  ].join("\n");
}

function placeOf({ host, port }: { host: string; port: number }): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** @param unixMs  0 = never */
function time(unixMs: number): string {
  return unixMs === 0 ? "never" : new Date(unixMs).toISOString();
}
