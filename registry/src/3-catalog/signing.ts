import { Refusal } from "@hearthnet/host/command-line";
import type { Metadata, Root, Snapshot, Targets, Timestamp } from "@tufjs/models";
import { keysNeeded, type KeyFolder, type RoleName } from "../storage/key-folder.ts";
import type { RoleKey } from "../storage/keys.ts";
import type { Published } from "./published.ts";
import {
  buildClaimed,
  buildFiles,
  buildRoot,
  buildTargets,
  isNearEnd,
  signWith,
  TOP,
  topHolders,
  type Holders,
  type Stamp,
} from "./roles.ts";

export type AnyRole = Metadata<Root | Targets | Snapshot | Timestamp>;

/** Which roles must be signed anew, and whether enough keys for that lie here. Keys that are kept elsewhere are missed only when their role has changed. */
export class Signing {
  readonly #is: Published;
  readonly #o: { keys: KeyFolder; now: number; development: boolean };
  /** What its keeper should know: roles that end soon and whose keys do not lie here. */
  readonly notes: string[] = [];

  constructor(published: Published, o: { keys: KeyFolder; now: number; development: boolean }) {
    this.#is = published;
    this.#o = o;
  }

  stamp(previous: number): Stamp {
    const { now, development } = this.#o;
    return { version: development ? Math.max(previous + 1, Math.floor(now / 1000)) : previous + 1, now, development };
  }

  stampOf(role: string): Stamp {
    return this.stamp(this.#is.meta.get(role)?.version ?? 0);
  }

  /** Whether a key of the role lies here that the registry knows. */
  holds(role: RoleName): boolean {
    return this.authorised(role).length > 0;
  }

  /** Keys here that may sign for a role, at most as many as its threshold wants. */
  authorised(role: RoleName): RoleKey[] {
    const { keyIDs, threshold } = this.#roleOf(role);
    return this.#o.keys
      .of(role)
      .filter(({ keyId }) => keyIDs.includes(keyId))
      .slice(0, threshold);
  }

  #roleOf(role: RoleName): { keyIDs: readonly string[]; threshold: number } {
    const { root, targets } = this.#is;
    const top = (TOP as readonly string[]).includes(role);
    const found = top ? root.signed.roles[role] : targets?.signed.delegations?.roles?.[role];
    if (found !== undefined) return found;
    const all = this.#o.keys.of(role).map(({ keyId }) => keyId);
    return { keyIDs: all, threshold: keysNeeded(role, this.#o.development).threshold };
  }

  /** Signs with enough keys. @returns false when too few lie here */
  #sign(metadata: AnyRole, role: RoleName): boolean {
    const keys = this.authorised(role);
    if (keys.length < this.#roleOf(role).threshold) return false;
    signWith(metadata, keys);
    return true;
  }

  /** The present root, or the next one, which the same keys sign. */
  root(): Metadata<Root> {
    const { root } = this.#is;
    if (!isNearEnd("root", root, this.#o.now)) return root;
    const holders = topHolders((role) => {
      const { keyIDs, threshold } = root.signed.roles[role] ?? { keyIDs: [], threshold: 1 };
      return { keys: keyIDs.flatMap((id) => root.signed.keys[id] ?? []), threshold };
    });
    const { now, development } = this.#o;
    const next = buildRoot({ holders, version: root.signed.version + 1, now, development });
    if (this.#sign(next, "root")) return next;
    this.notes.push(endsSoon("root", root));
    return root;
  }

  offline(changed: ReadonlySet<string>): [string, Metadata<Targets>][] {
    const holders = (role: "revocations" | "index" | "claimed"): Holders => {
      const { keyIDs, threshold } = this.#roleOf(role);
      const known = this.#is.targets?.signed.delegations?.keys ?? {};
      const here = Object.fromEntries(this.#o.keys.of(role).map(({ keyId, tuf }) => [keyId, tuf]));
      return { keys: keyIDs.flatMap((id) => known[id] ?? here[id] ?? []), threshold };
    };
    const build = {
      targets: () =>
        buildTargets({
          holders: { revocations: holders("revocations"), index: holders("index"), claimed: holders("claimed") },
          ...this.stampOf("targets"),
        }),
      claimed: () => buildClaimed({ namespaces: this.#is.namespaces, ...this.stampOf("claimed") }),
    };
    return (["targets", "claimed"] as const).flatMap((role): [string, Metadata<Targets>][] => {
      const known = this.#is[role];
      const mustSign = known === null || changed.has(role);
      if (!mustSign && !isNearEnd(role, known, this.#o.now)) return [];
      const metadata = build[role]();
      if (this.#sign(metadata, role)) {
        this.#is[role] = metadata;
        return [[role, metadata]];
      }
      const { threshold } = this.#roleOf(role);
      if (mustSign)
        throw new Refusal(`The role ${role} has changed and must be signed with ${threshold} of its keys.`, {
          reason: "key_missing",
          action: `Bring ${threshold} of the files ${role}-1.key, ${role}-2.key, ${role}-3.key into ${this.#o.keys.path} for this command.`,
        });
      this.notes.push(endsSoon(role, known));
      return [];
    });
  }

  /** What publishers list, signed by themselves. */
  lists(changed: ReadonlySet<string>, publishers: ReadonlyMap<string, RoleKey>): [string, Metadata<Targets>][] {
    return this.#is.namespaces.flatMap(({ name, role, keys }): [string, Metadata<Targets>][] => {
      const known = this.#is.lists.get(name);
      const key = publishers.get(name);
      const nearEnd = known !== undefined && isNearEnd(role, known, this.#o.now);
      if (key === undefined) {
        if (changed.has(role))
          throw new Refusal(`The list of ${name}'s packages must be signed by its publisher.`, {
            reason: "signer_missing",
            action: "Name the publisher's private key with --key FILE.",
          });
        if (nearEnd) this.notes.push(endsSoon(role, known));
        return [];
      }
      if (!keys.some(({ keyID }) => keyID === key.keyId))
        throw new Refusal(`The key ${key.file} does not belong to the publisher of ${name}.`, {
          reason: "signer_foreign",
          action: "Name the private half of the key that was given to add-namespace.",
        });
      if (known !== undefined && !changed.has(role) && !nearEnd) return [];
      const metadata = buildFiles(role, { targets: this.#is.packages.get(name) ?? [], ...this.stampOf(role) });
      signWith(metadata, [key]);
      this.#is.lists.set(name, metadata);
      return [[role, metadata]];
    });
  }
}

function endsSoon(role: string, { signed }: { signed: { expires: string } }): string {
  return `The role ${role} ends on ${signed.expires.slice(0, 10)} and its keys do not lie here. Bring them and run \`hearthnet registry refresh\`.`;
}
