import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openCommunity } from "../../src/community/index.ts";
import type { Community, NodeManifest, PeerLink, VerifyMany } from "../../src/contract/index.ts";
import { createUlidFactory, HnError, ManualClock, silentLog } from "../../src/foundation/index.ts";
import { buildManifest, importSeed, Signer } from "../../src/identity/index.ts";

/** Of every root key that a test makes. */
export const PASSPHRASE = "correct horse battery";

/** A deterministic stream of bytes from a seed, so that a failing run can be repeated. */
export function seededRandom(seed: number): (n: number) => Uint8Array {
  let state = seed >>> 0 || 1;
  return (n) =>
    Uint8Array.from({ length: n }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    });
}

export interface Person {
  name: string;
  signer: Signer;
  community: Community;
  endpoint: { transport: "https"; host: string; port: number };
  dataDir: string;
  reopen(): void;
  /** The same node on another folder, such as a copy of its own. */
  openAt(folder: string): Community;
}

/** What went over a link. */
export interface Tally {
  requests: number;
  bytes: number;
}

/** People with real logs on disk, talking over a link that only carries values. */
export class Village {
  readonly clock: ManualClock = new ManualClock();
  readonly #people: Map<number, Person> = new Map();
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.#t = t;
  }

  person(name: string, o: { verify?: VerifyMany } = {}): Person {
    const port = this.#people.size + 1;
    const { nodeId, key } = importSeed(Buffer.alloc(32, port));
    const signer = new Signer(nodeId, key);
    const dataDir = mkdtempSync(join(tmpdir(), "hn-community-"));
    const endpoint = { transport: "https" as const, host: "127.0.0.1", port };
    const open = (folder = dataDir): Community =>
      openCommunity({
        dataDir: folder,
        signer,
        clock: this.clock,
        random: seededRandom(port + 7),
        newUlid: createUlidFactory(this.clock, seededRandom(port)),
        log: silentLog,
        displayName: () => name,
        manifest: (id) => this.#manifest(person, id),
        ...o,
      });
    const person: Person = {
      name,
      signer,
      endpoint,
      dataDir,
      community: undefined as unknown as Community,
      reopen: () => {
        person.community.close();
        person.community = open();
      },
      openAt: open,
    };
    person.community = open();
    this.#people.set(port, person);
    this.#t.after(() => {
      person.community.close();
      rmSync(dataDir, { recursive: true, force: true });
    });
    return person;
  }

  /** How `from` reaches the others: exactly what the transport checks and hands over. */
  link(from: Person, o: { cut?: (to?: Person) => boolean; tally?: Tally } = {}): PeerLink {
    const tally = o.tally ?? { requests: 0, bytes: 0 };
    const reach = (endpoints: { port: number }[]): Community => {
      const person = this.#people.get(endpoints[0]?.port ?? 0);
      if (o.cut?.(person) === true || person === undefined) throw new HnError("partition");
      return person.community;
    };
    /** A copy, as after the wire, whose bytes are counted. */
    const carried = <T>(value: T): T => {
      tally.bytes += JSON.stringify(value).length;
      return structuredClone(value);
    };
    const admitted = (community: Community): Community => {
      const { kind } = community.standing(from.signer.nodeId);
      if (kind !== "member" && kind !== "invitee") throw new HnError(kind === "revoked" ? "revoked" : "unauthorized");
      return community;
    };
    return {
      communityManifest: async (peer) => admitted(reach(peer.endpoints)).manifest(),
      syncHeads: async (peer) => {
        tally.requests += 1;
        return carried(admitted(reach(peer.endpoints)).heads());
      },
      syncBrief: async (peer, floor) => {
        tally.requests += 1;
        return carried(admitted(reach(peer.endpoints)).brief(floor));
      },
      syncReconcile: async (peer, message) => {
        tally.requests += 1;
        return carried(await reach(peer.endpoints).reconcile(carried(message), from.signer.nodeId));
      },
      syncEvents: async (peer, request) => {
        tally.requests += 1;
        return carried(await reach(peer.endpoints).exchange(carried(request), from.signer.nodeId));
      },
      call: () => Promise.reject(new HnError("not_implemented")),
      fetchManifest: () => Promise.reject(new HnError("not_implemented")),
      stream: async function* () {
        await Promise.resolve();
        throw new HnError("not_implemented");
      },
    };
  }

  /** Invites and joins in one go. */
  async welcome(host: Person, guest: Person, level: "member" | "trusted" = "member"): Promise<void> {
    await guest.community.join(await invite(host, guest, level), this.link(guest));
  }

  async #manifest(person: Person, communityId: string): Promise<NodeManifest> {
    return buildManifest(person.signer, {
      now: this.clock.now(),
      facts: {
        display_name: person.name,
        community_id: communityId,
        profile: "hearth",
        endpoints: [person.endpoint],
        hardware: { gpu: null, vram_gb: 0, ram_gb: 1, cpu_cores: 1, disk_free_gb: 1 },
        capabilities: [],
        uptime_seconds: 1,
        load: { cpu: 0, in_flight_total: 0 },
      },
    });
  }
}

/** Makes `person` the anchor of a community of their own. */
export function found(person: Person): Promise<{ community_id: string; rootKeyFile: string }> {
  return person.community.create({ name: "Niederrhein", rootPassphrase: PASSPHRASE });
}

/** An invitation as text, for `guest` alone. */
export async function invite(host: Person, guest: Person, level: "member" | "trusted" = "member"): Promise<string> {
  const { text } = await host.community.invite({
    invitee: guest.signer.nodeId,
    display_name: guest.name,
    level,
    endpoints: [host.endpoint],
  });
  return text;
}

/** Asserts code and, when given, reason. */
export function refusal(code: string, reason?: string): (error: unknown) => true {
  return (error) => {
    if (!HnError.isHnError(error)) throw error;
    if (error.code !== code || (reason !== undefined && error.reason !== reason))
      throw new Error(`expected ${code}/${reason ?? "-"}, got ${error.code}/${error.reason ?? "-"}: ${error.message}`);
    return true;
  };
}
