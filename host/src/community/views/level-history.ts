import type { CommunityId, Event, NodeId, Position, TrustLevel } from "../../contract/index.ts";
import { compareEvents } from "../log/shape.ts";
import { beyond, Membership, replay } from "./membership.ts";

interface Change {
  at: Position;
  level: TrustLevel;
}

/** Who had which level at which place of the log. A pure function of the ordered `community.*` events. @source 04 §5 */
export class LevelHistory {
  /** In log order. */
  readonly #changes = new Map<NodeId, Change[]>();
  readonly #cuts: Membership["cuts"];

  constructor(community: CommunityId, events: () => Iterable<Event>) {
    this.#cuts = replay(community, events).cuts;
    // Every cut is known from the beginning now, so one pass is enough.
    const view = new Membership(community, new Map(this.#cuts));
    for (const event of events()) {
      view.apply(event);
      for (const node of concerned(event)) this.#note(node, { at: event, level: view.levelOf(node) });
    }
  }

  /** Level of a node from everything ordered before the place. */
  levelAt(node: NodeId, place: Position): TrustLevel {
    return this.#changes.get(node)?.findLast(({ at }) => compareEvents(at, place) < 0)?.level ?? "unknown";
  }

  /** False for what a revoked author wrote beyond its cut. @source 04 E-9 */
  counts(event: Position): boolean {
    const cut = this.#cuts.get(event.author);
    return cut === undefined || !beyond(event, cut);
  }

  #note(node: NodeId, change: Change): void {
    const known = this.#changes.get(node);
    if (known === undefined) this.#changes.set(node, [change]);
    else if (known.at(-1)?.level !== change.level) known.push(change);
  }
}

/** Nobody else's level can change with this event. */
function concerned({ author, data }: Event): NodeId[] {
  return [author, data["target_node_id"], data["founder_node_id"]].filter((id) => typeof id === "string");
}
