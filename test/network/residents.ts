/** What the tests with networks of their own share: nodes in houses, and what they say of each other. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { CommunityFacts, PeerRow } from "@hearthnet/host/contract";
import { OperatorClient } from "../../host/src/cli/client.ts";
import { until } from "../../host/test/support/until.ts";
import { packFixture } from "../fixtures/signed-folder.ts";
import { startNode, temporaryFolder, type Closing, type LiveNode } from "../support/live-node.ts";
import type { House } from "../support/namespaces.ts";

export const LIMIT_MS = 90_000;

export interface Resident {
  house: House;
  node: LiveNode;
}

/** Moves in: a node in that house, with discovery as it is by default. */
export async function moveIn(
  t: Closing,
  house: House,
  o: { dataDir?: string; clockOffMs?: number; args?: string[] } = {},
): Promise<Resident> {
  return { house, node: await startNode(t, { discovery: true, within: house.prefix, ...o }) };
}

/** What `at` lists of `of`; asked without a command, whose start would weigh more than the nodes while many are waited for. */
export async function rowOf(at: LiveNode, of: LiveNode): Promise<PeerRow | undefined> {
  const { items } = await new OperatorClient(at.dataDir).get<{ items: PeerRow[] }>("/peers");
  return items.find(({ node_id }) => node_id === of.ready.node_id);
}

export interface Sight {
  state: string;
  host?: string;
  port?: number;
  sources?: string[];
}

/** Until `at` sees `of` like this, at the address that comes first. */
export function sees(at: LiveNode, of: LiveNode, o: Sight): Promise<PeerRow> {
  return until(
    `${of.ready.node_id} is ${JSON.stringify(o)}`,
    async () => {
      const peer = await rowOf(at, of);
      const [first] = peer?.endpoints ?? [];
      const isAt = (o.host === undefined || first?.host === o.host) && (o.port === undefined || first?.port === o.port);
      const rests = (o.sources ?? []).every((source) => peer?.sources.some((one) => one === source));
      return peer?.state === o.state && isAt && rests ? peer : undefined;
    },
    LIMIT_MS,
  );
}

/** `host` invites `guest`, who joins. */
export async function invited(host: LiveNode, guest: LiveNode): Promise<void> {
  const { fresh_device_id } = await guest.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await host.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await guest.ask(["join", invite_blob]);
}

export function portOf(node: LiveNode): number {
  return Number(new URL(node.ready.bus).port);
}

/** Every event in a node's log, as author and id, in order. */
export function logOf({ dataDir }: LiveNode): string[] {
  const path = join(dataDir, "community", "community.db");
  if (!existsSync(path)) return [];
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = db.prepare("SELECT author, event_id FROM events ORDER BY lamport, event_id, author").all() as {
      author: string;
      event_id: string;
    }[];
    return rows.map(({ author, event_id }) => `${author} ${event_id}`);
  } finally {
    db.close();
  }
}

export const MATCH = "ext.hearthnet.word_watch.match";

/** A small plugin there that answers `MATCH` for every member. */
export async function offerWords(t: Closing, node: LiveNode): Promise<void> {
  const path = await packFixture(temporaryFolder(t), "word-watch");
  await node.ask(["plugin", "install", "--from", path, "--grant", "all"]);
}

/** One call of `MATCH` from `at` to `to`. */
export function callWords(at: LiveNode, to: LiveNode, text: string): ReturnType<LiveNode["cli"]> {
  const input = JSON.stringify({ text });
  return at.cli(["call", MATCH, "--input", input, "--node", to.ready.node_id]);
}
