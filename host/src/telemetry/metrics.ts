import type { Bus, Community, NodeId, Peers, TokenCalls } from "../contract/index.ts";
import { Labels, OTHER } from "./labels.ts";
import type { MetricsPage } from "./page.ts";
import { Tally } from "./tally.ts";

const PAIRS_MAX = 2048;
/** The pipeline's own verdicts. */
const LIMITED = "rate_limited";
const UNSIGNED = "invalid_signature";

export interface MetricsOptions {
  bus: Pick<Bus, "entries" | "onChange" | "onEnded" | "recentCalls" | "hasInternet">;
  community: Pick<Community, "communityId" | "head" | "size">;
  peers: Pick<Peers, "list">;
}

/** How a request was turned away before the bus. */
export interface Refusal {
  code: string;
  reason: string | undefined;
  /** As the request names it; nobody has proven it. */
  capability: string;
}

/** What is counted whether or not somebody collects. The rest begins with the first look, and costs nothing until then. */
export interface Counted {
  labels: Labels;
  rateLimited: Tally;
  signatureFailures: Tally;
  quarantines: Tally;
  tokenCalls: () => readonly TokenCalls[];
  /** Spans that were not exported. */
  spansDropped: () => number;
}

/**
 * The node's figures as Prometheus text 0.0.4.
 * @source 03 §10, B-13
 */
export class Metrics {
  readonly #o: MetricsOptions;
  readonly #counted: Counted;
  #page: Promise<MetricsPage> | null = null;

  constructor(o: MetricsOptions & { spansDropped?: () => number; tokenCalls?: () => readonly TokenCalls[] }) {
    this.#o = o;
    this.#counted = {
      labels: new Labels(o.bus),
      rateLimited: new Tally(PAIRS_MAX, [OTHER, OTHER]),
      signatureFailures: new Tally(PAIRS_MAX, [OTHER, ""]),
      quarantines: new Tally(PAIRS_MAX, [OTHER, OTHER]),
      tokenCalls: o.tokenCalls ?? ((): readonly TokenCalls[] => []),
      spansDropped: o.spansDropped ?? ((): number => 0),
    };
  }

  /** A request was turned away at the door. */
  refused({ code, reason, capability }: Refusal): void {
    const { labels, rateLimited, signatureFailures } = this.#counted;
    if (code === LIMITED) rateLimited.add(labels.capability(capability), reason ?? "soft_limit");
    else if (code === UNSIGNED) signatureFailures.add(reason ?? "signature", "");
  }

  quarantined(o: { capability: string; node: NodeId }): void {
    const { labels, quarantines } = this.#counted;
    quarantines.add(labels.capability(o.capability), labels.node(o.node));
  }

  async text(): Promise<string> {
    // The library that writes them takes longer to load than the node to start.
    this.#page ??= import("./page.ts").then(({ MetricsPage: Page }) => new Page(this.#o, this.#counted));
    return (await this.#page).text();
  }
}
