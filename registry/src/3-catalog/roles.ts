/** The signed parts of a registry: what each role says, how long it holds. @source marketplace §2.2 */
import { INDEX_PATTERN, ISSUED_FIELD, PROFILE_FIELD, REGISTRY_ROLES, REVOCATIONS_TARGET } from "@hearthnet/host/format";
import { Metadata, MetaFile, Root, Snapshot, Targets, Timestamp, type Key, type TargetFile } from "@tufjs/models";
import { Delegations } from "@tufjs/models/dist/delegations.js";
import { DelegatedRole, Role } from "@tufjs/models/dist/role.js";
import type { RoleKey } from "../storage/keys.ts";

const SPEC = "1.0.31";
const DAY_MS = 86_400_000;

/** Days until a role must be signed again. @source marketplace §2.2 */
export const EXPIRY_DAYS: Record<string, number> = {
  root: 365,
  targets: 90,
  claimed: 90,
  index: 7,
  revocations: 7,
  snapshot: 7,
  timestamp: 1,
};
const NAMESPACE_DAYS = 365;

export interface Stamp {
  version: number;
  /** Unix milliseconds. */
  now: number;
}

/** TUF wants whole seconds. */
function expires(role: string, now: number): string {
  return `${new Date(now + (EXPIRY_DAYS[role] ?? NAMESPACE_DAYS) * DAY_MS).toISOString().slice(0, 19)}Z`;
}

export function buildRoot(
  o: { keys: Record<"root" | "targets" | "snapshot" | "timestamp", RoleKey>; development: boolean } & Stamp,
): Metadata<Root> {
  const names = ["root", "targets", "snapshot", "timestamp"] as const;
  const root = new Root({
    version: o.version,
    specVersion: SPEC,
    expires: expires("root", o.now),
    keys: Object.fromEntries(names.map((name) => [o.keys[name].keyId, o.keys[name].tuf])),
    roles: Object.fromEntries(names.map((name) => [name, new Role({ keyIDs: [o.keys[name].keyId], threshold: 1 })])),
    consistentSnapshot: true,
    ...(o.development ? { unrecognizedFields: { [PROFILE_FIELD]: "development" } } : {}),
  });
  return new Metadata(root);
}

/** Denying comes before naming, naming before packages; the order decides who is asked first. */
export function buildTargets(o: { keys: Record<"revocations" | "index" | "claimed", RoleKey> } & Stamp): Metadata<Targets> {
  const role = (name: string, key: RoleKey, rest: { paths: string[]; terminating: boolean }): DelegatedRole =>
    new DelegatedRole({ name, keyIDs: [key.keyId], threshold: 1, ...rest });
  const { revocations, index, claimed } = o.keys;
  return new Metadata(
    new Targets({
      version: o.version,
      specVersion: SPEC,
      expires: expires("targets", o.now),
      delegations: new Delegations({
        keys: keyMap([revocations.tuf, index.tuf, claimed.tuf]),
        roles: {
          [REGISTRY_ROLES.revocations]: role(REGISTRY_ROLES.revocations, revocations, {
            paths: [REVOCATIONS_TARGET],
            terminating: true,
          }),
          [REGISTRY_ROLES.index]: role(REGISTRY_ROLES.index, index, { paths: [INDEX_PATTERN], terminating: true }),
          [REGISTRY_ROLES.claimed]: role(REGISTRY_ROLES.claimed, claimed, { paths: ["*/*/*"], terminating: false }),
        },
      }),
    }),
  );
}

export interface Namespace {
  name: string;
  /** Role that signs its packages. */
  role: string;
  keys: Key[];
}

/** Who may sign for which namespace; each is the last to be asked for its own paths. */
export function buildClaimed(o: { namespaces: readonly Namespace[] } & Stamp): Metadata<Targets> {
  return new Metadata(
    new Targets({
      version: o.version,
      specVersion: SPEC,
      expires: expires("claimed", o.now),
      delegations: new Delegations({
        keys: keyMap(o.namespaces.flatMap(({ keys }) => keys)),
        roles: Object.fromEntries(
          o.namespaces.map(({ name, role, keys }) => [
            role,
            new DelegatedRole({
              name: role,
              keyIDs: keys.map(({ keyID }) => keyID),
              threshold: 1,
              terminating: true,
              paths: [`${name}/*/*`],
            }),
          ]),
        ),
      }),
    }),
  );
}

export function buildFiles(role: string, o: { targets: readonly TargetFile[] } & Stamp): Metadata<Targets> {
  return new Metadata(
    new Targets({
      version: o.version,
      specVersion: SPEC,
      expires: expires(role, o.now),
      targets: Object.fromEntries(o.targets.map((target) => [target.path, target])),
    }),
  );
}

export function buildSnapshot(o: { versions: Record<string, number> } & Stamp): Metadata<Snapshot> {
  return new Metadata(
    new Snapshot({
      version: o.version,
      specVersion: SPEC,
      expires: expires("snapshot", o.now),
      meta: Object.fromEntries(Object.entries(o.versions).map(([role, version]) => [`${role}.json`, new MetaFile({ version })])),
    }),
  );
}

export function buildTimestamp(o: { snapshot: number } & Stamp): Metadata<Timestamp> {
  return new Metadata(
    new Timestamp({
      version: o.version,
      specVersion: SPEC,
      expires: expires("timestamp", o.now),
      snapshotMeta: new MetaFile({ version: o.snapshot }),
      unrecognizedFields: { [ISSUED_FIELD]: `${new Date(o.now).toISOString().slice(0, 19)}Z` },
    }),
  );
}

function keyMap(keys: readonly Key[]): Record<string, Key> {
  return Object.fromEntries(keys.map((key) => [key.keyID, key]));
}
