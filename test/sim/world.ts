/** A world of nodes that one seed describes. Nothing in it is as fast or slow as this machine. @source network.md §7 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomInt } from "node:crypto";
import type { Log, NodeId } from "../../host/src/contract/index.ts";
import { openKeystore } from "../../host/src/identity/index.ts";
import type { ListenerOptions } from "../../host/src/transport/listener.ts";
import type { Exchange, OnReply } from "./connection.ts";
import type { Line } from "./dial.ts";
import { Network } from "./network.ts";
import { SimNode } from "./node.ts";
import { SimRandom } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import type { OnLine } from "./socket.ts";

/** `HN_SEED=…` repeats a run. */
export const seedOf = (): number => Number(process.env["HN_SEED"] ?? randomInt(2 ** 31));

/** Of every root key here. */
const PASSPHRASE = "correct horse battery staple";

/** A request as it passed over the line. */
export interface Overheard extends Exchange {
  from: SimNode;
  to: string;
}

export class World {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: SimRandom;
  readonly nodes: SimNode[] = [];
  /** Where everything of this world lies. */
  readonly folder: string = mkdtempSync(join(tmpdir(), "hn-sim-"));
  readonly #invitations: Map<SimNode, string> = new Map();
  readonly #byHost: Map<string, SimNode> = new Map();
  readonly #log: Log | undefined;
  readonly #tls: ReturnType<ReturnType<typeof openKeystore>["tls"]>;
  readonly hasSessions: boolean;
  /** Told of every request before it is on its way. */
  onRequest: (request: Overheard) => void = () => undefined;
  /** Sits on the line of every peer session. */
  onLine: OnLine = ({ data }) => [data];
  /** Sits on the line of every answer over HTTP. */
  onReply: OnReply = (_exchange, data) => data;
  /** Of nodes that start from now on. */
  rates: ListenerOptions["rates"];
  blocksUpgrades: Line["blocksUpgrades"] = () => false;
  isSpliced: Line["isSpliced"] = () => false;

  /** @param o.sessions  nodes offer each other peer sessions, as they do outside; without, each call is a request of its own */
  constructor(seed: number | string, o: { log?: Log; sessions?: boolean } = {}) {
    this.random = new SimRandom(seed);
    this.scheduler = new Scheduler(this.random);
    this.network = new Network(this.scheduler, this.random);
    this.#log = o.log;
    this.hasSessions = o.sessions ?? false;
    // Nobody looks at it: there are no sockets here.
    this.#tls = openKeystore(join(this.folder, "tls")).tls();
  }

  add(name: string): Promise<SimNode> {
    return this.#open(name);
  }

  /** A second machine on which somebody has put the folder of this one, key and all. */
  copyOf(node: SimNode): Promise<SimNode> {
    return this.#open(`${node.name} again`, node);
  }

  async #open(name: string, original?: SimNode): Promise<SimNode> {
    const node = await SimNode.open({
      name,
      ...(original === undefined ? {} : { original }),
      number: this.nodes.length + 1,
      clock: this.scheduler.clock(name),
      setting: {
        network: this.network,
        random: this.random,
        tls: await this.#tls,
        folder: this.folder,
        doorOf: (host) => this.#byHost.get(host),
        onRequest: (from, to, exchange) => this.onRequest({ ...exchange, from, to }),
        onReply: (exchange, data) => this.onReply(exchange, data),
        rates: () => this.rates,
        ...(this.hasSessions
          ? {
              sessions: {
                onLine: (message) => this.onLine(message),
                blocksUpgrades: (from, to) => this.blocksUpgrades(from, to),
                isSpliced: (from, to) => this.isSpliced(from, to),
              },
            }
          : {}),
        ...(this.#log === undefined ? {} : { log: this.#log }),
      },
    });
    this.nodes.push(node);
    this.#byHost.set(node.host, node);
    return node;
  }

  /** Nodes of one community, all known to each other. */
  async village(names: readonly string[]): Promise<SimNode[]> {
    const nodes: SimNode[] = [];
    for (const name of names) nodes.push(await this.add(name));
    const [founder, ...others] = nodes as [SimNode, ...SimNode[]];
    await founder.community.create({ name: "Gartenstraße", rootPassphrase: PASSPHRASE });
    for (const other of others) await this.#join(founder, other);
    await this.pass(120_000);
    return nodes;
  }

  /** Virtual time goes by. */
  pass(ms: number): Promise<void> {
    return this.scheduler.pass(ms);
  }

  /** Virtual time goes by until this is settled. */
  settled<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settled(promise);
  }

  node(id: NodeId): SimNode | undefined {
    return this.nodes.find(({ nodeId }) => nodeId === id);
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** With the invitation of the first time. */
  async rejoin(node: SimNode): Promise<void> {
    await this.settled(node.community.join(this.#invitations.get(node) ?? "", node.link));
  }

  async #join(founder: SimNode, newcomer: SimNode): Promise<void> {
    const { text } = await this.settled(
      founder.community.invite({
        invitee: newcomer.nodeId,
        display_name: newcomer.name,
        level: "member",
        endpoints: [founder.endpoint],
      }),
    );
    this.#invitations.set(newcomer, text);
    await this.settled(newcomer.community.join(text, newcomer.link));
  }
}
