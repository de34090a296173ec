/** People of one community with their token rooms, and tokens that nobody's room has made. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type {
  FederationLookup,
  Principal,
  TokenPayload,
  TokenPresentation,
  TokenRoom,
  TopicMessage,
  TrustRequirement,
} from "../../src/contract/index.ts";
import { createUlidFactory, HnError } from "../../src/foundation/index.ts";
import { importSeed, Signer } from "../../src/identity/index.ts";
import { openTokens } from "../../src/tokens/index.ts";
import { lend } from "./writer.ts";
import { found, seededRandom, Village, type Person } from "../support/people.ts";

export type Settings = NonNullable<Parameters<typeof openTokens>[0]["settings"]>;

/** What is offered in these tests, and what it asks of callers. */
export const OFFERED: Record<string, TrustRequirement> = {
  "rag.query": "member",
  "rag.ingest": "trusted",
  "ocr.image": "member",
  "community.invite": "member",
  "auth.token.issue": "member",
  "llm.secret": "self",
};

export interface Hall {
  village: Village;
  anna: Person;
  ben: Person;
  carl: Person;
  /** Anna's. */
  tokens: TokenRoom;
  heard: TopicMessage[];
  federation: { lookup: FederationLookup | undefined };
  /** Closes Anna's room and opens it on the same folder, as a new start does. */
  reopen(settings?: Settings): TokenRoom;
  seconds(): number;
  /** Brings everybody's log to Anna, and hers to them. */
  sync(): Promise<void>;
}

let jtis = 0;
export function newJti(): string {
  return `01J9Z3K8V4Q2N7M5C6B1${String(jtis++).padStart(6, "0")}`;
}

/** A key that belongs to nobody here. */
export function outsider(n = 99): Signer {
  const seed = new Uint8Array(32).fill(n);
  const { nodeId, key } = importSeed(seed);
  lend(nodeId, seed);
  return new Signer(nodeId, key);
}

/** Anna has founded a community, Ben and Carl have joined it. */
export async function hall(t: TestContext, settings: Settings = {}): Promise<Hall> {
  const village = new Village(t);
  const [anna, ben, carl] = [village.person("Anna"), village.person("Ben"), village.person("Carl")];
  // The keys that the village gives out, in their order.
  [anna, ben, carl].forEach((person, i) => lend(person.signer.nodeId, Buffer.alloc(32, i + 1)));
  await found(anna);
  await village.welcome(anna, ben);
  await village.welcome(anna, carl);
  const dataDir = mkdtempSync(join(tmpdir(), "hn-tokens-"));
  const heard: TopicMessage[] = [];
  const federation: Hall["federation"] = { lookup: undefined };
  const open = (more: Settings): TokenRoom =>
    openTokens({
      dataDir,
      signer: anna.signer,
      clock: village.clock,
      newUlid: createUlidFactory(village.clock, seededRandom(77)),
      community: anna.community,
      offers: { requirement: (name, [major]) => (major === 1 ? (OFFERED[name] ?? null) : null) },
      topics: { publish: (message) => void heard.push(message) },
      settings: more,
      federation: () => federation.lookup,
    });
  const self: Hall = {
    village,
    anna,
    ben,
    carl,
    tokens: open(settings),
    heard,
    federation,
    reopen: (more = settings) => {
      self.tokens.close();
      return (self.tokens = open(more));
    },
    seconds: () => Math.floor(village.clock.now() / 1000),
    sync: async () => {
      for (const person of [ben, carl])
        await person.community.syncWith({ node_id: anna.signer.nodeId, endpoints: [anna.endpoint] }, village.link(person));
    },
  };
  t.after(() => {
    self.tokens.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return self;
}

/** What a token by `iss` for Ben says unless the test says otherwise. */
export function claims({ anna, ben, seconds }: Hall, change: Partial<TokenPayload> = {}): TokenPayload {
  return {
    iss: anna.signer.nodeId,
    sub: ben.signer.nodeId,
    aud: anna.community.communityId() ?? "",
    iat: seconds(),
    nbf: seconds(),
    exp: seconds() + 3600,
    jti: newJti(),
    scope: { capabilities: ["rag.query@1.0"] },
    issued_via: "manual",
    ...change,
  };
}

/** A token as its text, signed by whoever `signer` is: also such that no room would make. */
export function written(signer: Signer, payload: object): string {
  return signer.signToken({ ...payload, iss: signer.nodeId } as TokenPayload);
}

/** Ben presents it for `rag.query@1.0`. */
export function presentation({ ben }: Hall, text: string, change: Partial<TokenPresentation> = {}): TokenPresentation {
  return {
    text,
    signer: ben.signer.nodeId,
    community: null,
    capability: "rag.query",
    version: "1.0",
    body: { params: {}, input: {} },
    idempotent: true,
    ...change,
  };
}

export function principal(person: Person, change: Partial<Principal> = {}): Principal {
  const { community, signer } = person;
  return {
    kind: "member",
    node_id: signer.nodeId,
    community_id: community.communityId(),
    level: community.levelOf(signer.nodeId),
    ...change,
  };
}

export function operator({ anna }: Hall): Principal {
  return principal(anna, { kind: "self" });
}

/** `code`, with the reason when there is one; `ok` when nothing was refused. */
export function verdict(run: () => unknown): string {
  try {
    run();
    return "ok";
  } catch (error) {
    if (!HnError.isHnError(error)) throw error;
    return error.reason === undefined ? error.code : `${error.code} ${error.reason}`;
  }
}

/** As {@link verdict}, of what takes its time. */
export async function verdictOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => "ok",
    (error: unknown) =>
      verdict(() => {
        throw error;
      }),
  );
}
