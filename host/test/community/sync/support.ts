/** People whose logs drift apart and come together again, by a seed. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Event, SyncReport } from "../../../src/contract/index.ts";
import { found, type Person, seededRandom, type Tally, type Village } from "../../support/people.ts";

/** First seed; `HN_SEED` repeats a run, `HN_SEEDS` asks for so many. */
export const FIRST_SEED: number = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
export function seeds(usual: number): number[] {
  const count = Number(process.env["HN_SEEDS"] ?? (process.env["HN_SEED"] === undefined ? usual : 1));
  return Array.from({ length: count }, (_, i) => FIRST_SEED + i);
}

export interface Dice {
  /** An integer from 0 up to, and without, `n`. */
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  shuffled<T>(list: readonly T[]): T[];
}

export function dice(seed: number): Dice {
  const random = seededRandom(seed * 2_654_435_761);
  const below = (n: number): number => {
    const [a = 0, b = 0, c = 0] = random(3);
    return ((a << 16) | (b << 8) | c) % n;
  };
  return {
    below,
    pick: <T>(list: readonly T[]): T => list[below(list.length)] as T,
    shuffled: <T>(list: readonly T[]): T[] =>
      list
        .map((item) => [below(2 ** 24), item] as const)
        .toSorted((a, b) => a[0] - b[0])
        .map(([, item]) => item),
  };
}

/** A founder and four members, the first two of them trusted, with equal logs. */
export async function five(village: Village): Promise<Person[]> {
  const people = ["Anna", "Ben", "Carl", "Dora", "Emil"].map((name) => village.person(name));
  const [anna, ...others] = people as [Person, ...Person[]];
  await found(anna);
  for (const [i, other] of others.entries()) await village.welcome(anna, other, i < 2 ? "trusted" : "member");
  await roundOf(village, { people, dice: dice(1) });
  return people;
}

export function sync(
  village: Village,
  from: Person,
  to: Person,
  o: { cut?: (to?: Person) => boolean; tally?: Tally } = {},
): Promise<SyncReport> {
  return from.community.syncWith({ node_id: to.signer.nodeId, endpoints: [to.endpoint] }, village.link(from, o));
}

/** One round of gossip: everybody exchanges with everybody in reach, as at each interval. */
export async function roundOf(
  village: Village,
  o: { people: readonly Person[]; dice: Dice; apart?: (a: Person, b: Person) => boolean; tally?: Tally },
): Promise<void> {
  for (const from of o.dice.shuffled(o.people))
    for (const to of o.dice.shuffled(o.people))
      if (from !== to && o.apart?.(from, to) !== true)
        await sync(village, from, to, o.tally === undefined ? {} : { tally: o.tally });
}

/** Bytes of every stored event, in log order. */
export function bytesOf({ dataDir }: Person): string[] {
  const db = new DatabaseSync(join(dataDir, "community.db"), { readOnly: true });
  const rows = db.prepare("SELECT raw FROM events ORDER BY lamport, event_id, author").all() as { raw: Uint8Array }[];
  db.close();
  return rows.map(({ raw }) => Buffer.from(raw).toString("utf8"));
}

/** Who belongs at which level, and what every view is told. */
export function viewsOf({ community }: Person): unknown {
  const events = community.read({ types: ["*"], limit: 100_000 }).events.map(({ event, level }) => `${event.signature} ${level}`);
  return {
    members: community.members().toSorted((a, b) => (a.node_id < b.node_id ? -1 : 1)),
    revoked: community.revokedNodes(),
    events,
  };
}

let made = 0;
/** An event as this person's key signs it, wherever it is. */
export function signed(person: Person, o: { lamport: number; id?: string; type?: string; data?: Event["data"] }): Event {
  made += 1;
  return person.signer.signEvent({
    schema_version: 1,
    event_id: o.id ?? `01J9Z3K8V4Q2N7M5C6B${String(made).padStart(7, "0")}`,
    lamport: o.lamport,
    wall_clock: "2026-07-01T12:00:00Z",
    community_id: person.community.communityId() ?? "",
    author: person.signer.nodeId,
    event_type: o.type ?? "ext.demo.note",
    data: o.data ?? {},
  });
}

/** `by` hands events to `to`, as its node would. */
export function hand(to: Person, by: Person, events: readonly unknown[]): ReturnType<Person["community"]["exchange"]> {
  return to.community.exchange(
    { community_id: to.community.communityId() ?? "", events: structuredClone(events) as Event[], our_heads_by_author: {} },
    by.signer.nodeId,
  );
}
