import type { BuildFacts } from "./paths.ts";
import type { ListsClaim, NodeId, PackageLink, PackageShelf, PeerRow, Peers, StandingLookup } from "./contract/index.ts";
import type { CatalogueNeighbours } from "./catalogue-watch.ts";
import type { Neighbours } from "./marketplace/index.ts";

/** The feature by which a manifest offers packages. @source marketplace §5.5 */
export const PACKAGES = "pkg";

const CLAIM = /^pkg-lists:([a-z][a-z0-9-]{0,38}):([1-9][0-9]{0,14})$/;
/** Of one neighbour; nobody has so many registries. */
const CLAIMS_MAX = 16;

/** What the manifest of a node says that gives packages: also how new its lists are. @source marketplace §5.6 */
export function packageFeatures(shelf: Pick<PackageShelf, "lists"> | undefined): string[] {
  if (shelf === undefined) return [];
  const claims = shelf.lists().slice(0, CLAIMS_MAX);
  return [PACKAGES, ...claims.map(({ registry, version }) => `pkg-lists:${registry}:${version}`)];
}

function claimsIn(features: readonly string[]): ListsClaim[] {
  const found = features.flatMap((feature) => {
    const [, registry, version] = CLAIM.exec(feature) ?? [];
    return registry === undefined ? [] : [{ registry, version: Number(version) }];
  });
  return found.slice(0, CLAIMS_MAX);
}

/** More would learn what is wanted here, and hardly ever help. */
const ASKED_MAX = 4;

/** Members in reach whose nodes give packages, the one that answers fastest in front. */
export function packageNeighbours(o: {
  peers: Pick<Peers, "list" | "onChange">;
  community: Pick<StandingLookup, "standing">;
  link: PackageLink & { featuresOf(node: string): readonly string[] };
  /** What lies here. */
  lists: () => readonly ListsClaim[];
}): Neighbours & CatalogueNeighbours {
  const { peers, community, link, lists } = o;
  const gives = ({ node_id, online }: PeerRow): boolean =>
    online && community.standing(node_id).kind === "member" && link.featuresOf(node_id).includes(PACKAGES);
  return {
    near: () =>
      peers
        .list()
        .filter(gives)
        .toSorted((a, b) => rank(a) - rank(b))
        .slice(0, ASKED_MAX)
        .map(({ node_id, display_name, endpoints }) => ({ node_id, name: display_name, endpoints })),
    newer: () => {
      const here = new Map(lists().map(({ registry, version }) => [registry, version]));
      const isNewer = ({ registry, version }: ListsClaim): boolean => version > (here.get(registry) ?? Infinity);
      const nodes: NodeId[] = peers
        .list()
        .filter(gives)
        .map(({ node_id }) => node_id);
      return nodes.filter((node) => claimsIn(link.featuresOf(node)).some(isNewer));
    },
    onChange: (listener) => peers.onChange(listener),
    ask: (of, question, more) => link.packageFile(of, question, more),
  };
}

/** Milliseconds of its last answer; whoever has just been silent, or was never asked, comes last. */
function rank({ rtt_ms, session }: PeerRow): number {
  return session?.state === "suspect" ? Number.MAX_VALUE : (rtt_ms ?? Number.MAX_VALUE);
}

/**
 * Whether this node gives packages to others. A release that was told to trust development keys hands on nothing: nobody else knows who made them.
 * @param o.isWanted  the owner's setting
 * @source marketplace §9.5
 */
export function givesPackages(o: { isWanted: boolean; profile: BuildFacts["profile"]; devRoot: boolean }): boolean {
  return o.isWanted && (o.profile === "development" || !o.devRoot);
}
