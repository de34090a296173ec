import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HnError } from "../../foundation/index.ts";
import type { NodeId } from "../../contract/index.ts";

/** Only says that nobody is there; made once, because a reason with a stack for each would cost more than the call. */
const LEFT: HnError = new HnError("timeout", { message: "The call was cancelled by its caller." });

/** One authenticated request, from the moment its sender is settled until its connection is done with it. */
export class Visit {
  readonly node: NodeId;
  readonly socket: Socket;
  readonly #showOut: () => void;
  readonly #controller: AbortController = new AbortController();
  #refusal: HnError | undefined;

  /** @param o.showOut  sees to it that the connection ends with the refusal */
  constructor(o: { node: NodeId; socket: Socket; showOut: () => void }) {
    this.node = o.node;
    this.socket = o.socket;
    this.#showOut = o.showOut;
  }

  /** Aborts when the caller went away, and when it is shown the door. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the caller is told instead of any answer. */
  get refusal(): HnError | undefined {
    return this.#refusal;
  }

  left(): void {
    this.#controller.abort(LEFT);
  }

  /** Ends the work now; the connection stays for what comes next. */
  end(error: HnError): void {
    this.#refusal ??= error;
    this.#controller.abort(error);
  }

  /** Ends the work now and the connection with the answer. */
  refuse(error: HnError): void {
    this.#refusal = error;
    // Before the abort: what it sets in motion may answer at once.
    this.#showOut();
    this.#controller.abort(error);
  }
}

/** Who is being answered at this moment. */
export class Visits {
  readonly #byNode: Map<NodeId, Set<Visit>> = new Map();

  /** Counts until the response is done with, in whatever way. */
  begin({ node, socket, response }: { node: NodeId; socket: Socket; response: ServerResponse }): Visit {
    const showOut = (): void => {
      response.once("close", () => socket.destroySoon());
      if (!response.headersSent) response.setHeader("connection", "close");
    };
    const { visit, end } = this.#enter({ node, socket, showOut });
    // Ends with the connection: a caller that went away wants nothing any more. @source 02 §10
    response.once("close", () => {
      end();
      if (!response.writableFinished) visit.left();
    });
    if (response.destroyed) visit.left();
    return visit;
  }

  /** Counts until the connection is closed: of a connection that carries no response. Whoever works for the visit says the refusal. */
  beginOn({ node, socket }: { node: NodeId; socket: Socket }): Visit {
    const { visit, end } = this.#enter({ node, socket, showOut: () => undefined });
    socket.once("close", () => {
      end();
      visit.left();
    });
    if (socket.destroyed) visit.left();
    return visit;
  }

  #enter(o: ConstructorParameters<typeof Visit>[0]): { visit: Visit; end: () => void } {
    const visit = new Visit(o);
    const { node } = o;
    const visits = this.#byNode.get(node) ?? new Set();
    this.#byNode.set(node, visits.add(visit));
    const end = (): void => {
      visits.delete(visit);
      if (visits.size === 0 && this.#byNode.get(node) === visits) this.#byNode.delete(node);
    };
    return { visit, end };
  }

  nodes(): NodeId[] {
    return [...this.#byNode.keys()];
  }

  of(node: NodeId): Visit[] {
    return [...(this.#byNode.get(node) ?? [])];
  }
}
