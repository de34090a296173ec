import type { BuildFacts } from "./paths.ts";
import type { PackageLink, PeerRow, Peers, StandingLookup } from "./contract/index.ts";
import type { CatalogueNeighbours } from "./catalogue-watch.ts";
import type { Neighbours } from "./marketplace/index.ts";

/** The feature by which a manifest offers packages. @source marketplace §5.5 */
export const PACKAGES = "pkg";

/** More would learn what is wanted here, and hardly ever help. */
const ASKED_MAX = 4;

/** Members in reach whose nodes give packages, the one that answers fastest in front. */
export function packageNeighbours(o: {
  peers: Pick<Peers, "list" | "onChange">;
  community: Pick<StandingLookup, "standing">;
  link: PackageLink & { featuresOf(node: string): readonly string[] };
}): Neighbours & CatalogueNeighbours {
  const { peers, community, link } = o;
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
