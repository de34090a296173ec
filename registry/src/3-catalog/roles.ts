/** The signed parts of a registry: what each role says, how long it holds. @source marketplace §2.2 */
import { INDEX_PATTERN, ISSUED_FIELD, PROFILE_FIELD, REVOCATIONS_TARGET } from "@hearthnet/host/format";
import {
  Metadata,
  Root,
  Snapshot,
  Targets,
  Timestamp,
  type Key,
  type MetaFile,
  type Signature,
  type TargetFile,
} from "@tufjs/models";
import { Delegations } from "@tufjs/models/dist/delegations.js";
import { DelegatedRole, Role } from "@tufjs/models/dist/role.js";
import type { RoleName } from "../storage/key-folder.ts";
import type { RoleKey } from "../storage/keys.ts";

const SPEC = "1.0.31";
const DAY_MS = 86_400_000;
const NAMESPACE_DAYS = 365;
/** A checkout that is built once a year must not stand there with a dead registry. */
const DEVELOPMENT_DAYS = 3650;

/** Days until a role must be signed again. @source marketplace §2.2 */
const EXPIRY_DAYS: Record<RoleName, number> = {
  root: 365,
  targets: 90,
  claimed: 90,
  index: 7,
  revocations: 7,
  snapshot: 7,
  timestamp: 1,
};

export interface Stamp {
  version: number;
  /** Unix milliseconds. */
  now: number;
  development: boolean;
}

/** Keys of one role and how many of them must sign. */
export interface Holders {
  keys: readonly Key[];
  threshold: number;
}

export interface Namespace {
  name: string;
  /** Role that signs its packages. */
  role: string;
  keys: Key[];
}

export const TOP = ["root", "targets", "snapshot", "timestamp"] as const;
export type TopRole = (typeof TOP)[number];

/** Asks for the holders of every top role. */
export function topHolders(of: (role: TopRole) => Holders): Record<TopRole, Holders> {
  return { root: of("root"), targets: of("targets"), snapshot: of("snapshot"), timestamp: of("timestamp") };
}

function daysOf(role: string): number {
  return EXPIRY_DAYS[role as RoleName] ?? NAMESPACE_DAYS;
}

/** Less than a third of its life is left. */
export function isNearEnd(role: string, metadata: { signed: { expires: string } }, now: number): boolean {
  return Date.parse(metadata.signed.expires) - now < (daysOf(role) * DAY_MS) / 3;
}

export function buildRoot(o: { holders: Record<TopRole, Holders> } & Stamp): Metadata<Root> {
  return new Metadata(
    new Root({
      ...signed("root", o),
      keys: keyMap(Object.values(o.holders).flatMap(({ keys }) => keys)),
      roles: Object.fromEntries(Object.entries(o.holders).map(([name, holders]) => [name, new Role(roleOf(holders))])),
      consistentSnapshot: true,
      ...(o.development ? { unrecognizedFields: { [PROFILE_FIELD]: "development" } } : {}),
    }),
  );
}

/** Denying comes before naming, naming before packages; the order decides who is asked first. */
export function buildTargets(o: { holders: Record<"revocations" | "index" | "claimed", Holders> } & Stamp): Metadata<Targets> {
  const { revocations, index, claimed } = o.holders;
  return delegating("targets", o, {
    keys: [revocations, index, claimed].flatMap(({ keys }) => keys),
    roles: [
      new DelegatedRole({ name: "revocations", ...roleOf(revocations), paths: [REVOCATIONS_TARGET], terminating: true }),
      new DelegatedRole({ name: "index", ...roleOf(index), paths: [INDEX_PATTERN], terminating: true }),
      new DelegatedRole({ name: "claimed", ...roleOf(claimed), paths: ["*/*/*"], terminating: false }),
    ],
  });
}

/** Who may sign for which namespace; each is the last to be asked for its own paths. */
export function buildClaimed(o: { namespaces: readonly Namespace[] } & Stamp): Metadata<Targets> {
  return delegating("claimed", o, {
    keys: o.namespaces.flatMap(({ keys }) => keys),
    roles: o.namespaces.map(
      ({ name, role, keys }) =>
        new DelegatedRole({ name: role, ...roleOf({ keys, threshold: 1 }), paths: [`${name}/*/*`], terminating: true }),
    ),
  });
}

export function buildFiles(role: string, o: { targets: readonly TargetFile[] } & Stamp): Metadata<Targets> {
  return new Metadata(
    new Targets({ ...signed(role, o), targets: Object.fromEntries(o.targets.map((target) => [target.path, target])) }),
  );
}

/** @param o.meta  role → version, length and hash of its file */
export function buildSnapshot(o: { meta: ReadonlyMap<string, MetaFile> } & Stamp): Metadata<Snapshot> {
  return new Metadata(
    new Snapshot({
      ...signed("snapshot", o),
      meta: Object.fromEntries([...o.meta].map(([role, file]) => [`${role}.json`, file])),
    }),
  );
}

export function buildTimestamp(o: { snapshot: MetaFile } & Stamp): Metadata<Timestamp> {
  return new Metadata(
    new Timestamp({
      ...signed("timestamp", o),
      snapshotMeta: o.snapshot,
      unrecognizedFields: { [ISSUED_FIELD]: `${new Date(o.now).toISOString().slice(0, 19)}Z` },
    }),
  );
}

export function signWith(metadata: Metadata<Root | Targets | Snapshot | Timestamp>, keys: readonly RoleKey[]): void {
  for (const key of keys) metadata.sign((bytes): Signature => key.sign(bytes));
}

/** TUF wants whole seconds. */
function signed(role: string, o: Stamp): { version: number; specVersion: string; expires: string } {
  const days = o.development ? DEVELOPMENT_DAYS : daysOf(role);
  return { version: o.version, specVersion: SPEC, expires: `${new Date(o.now + days * DAY_MS).toISOString().slice(0, 19)}Z` };
}

function delegating(role: string, stamp: Stamp, o: { keys: readonly Key[]; roles: readonly DelegatedRole[] }): Metadata<Targets> {
  return new Metadata(
    new Targets({
      ...signed(role, stamp),
      delegations: new Delegations({
        keys: keyMap(o.keys),
        roles: Object.fromEntries(o.roles.map((one) => [one.name, one])),
      }),
    }),
  );
}

function roleOf({ keys, threshold }: Holders): { keyIDs: string[]; threshold: number } {
  return { keyIDs: keys.map(({ keyID }) => keyID), threshold };
}

function keyMap(keys: readonly Key[]): Record<string, Key> {
  return Object.fromEntries(keys.map((key) => [key.keyID, key]));
}
