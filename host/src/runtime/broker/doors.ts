/** The doors of one plugin process: its routes on the public port and its panels' methods. @source plugin-platform §2.4, §3.1 http.mount, §4.6 */
import {
  CONSTANTS,
  type Cancellation,
  type Clock,
  type JsonObject,
  type JsonValue,
  type MountedRoute,
  type Mounting,
  type Mounts,
  type Reply,
  type RouteAnswer,
  type RouteRequest,
  type StoredRelease,
} from "../../contract/index.ts";
import { HnError, type LateSignal } from "../../foundation/index.ts";
import { headersOut } from "../../transport/index.ts";
import { denied } from "../permission/index.ts";
import { panelQuestion, routeQuestion, type PanelWish, type Question } from "./question.ts";
import { PANEL_MESSAGE_MAX_BYTES, readRouteAnswer } from "./route-answer.ts";
import { cancelledBy, RouteSockets, type RouteSocketsOptions } from "./route-sockets.ts";
import type { StandingRights } from "./standing-rights.ts";
import type { Wishes } from "./wishes.ts";

const ANSWER_MS = CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS * 1000;
/** When another release takes over in a second. */
const RETRY_MS = 1000;

export interface PluginDoorsOptions extends Pick<RouteSocketsOptions, "follow" | "onAllowed" | "onDenied"> {
  release: StoredRelease;
  mounts: Mounts;
  clock: Clock;
  wishes: Wishes;
  /** Milliseconds that an answer may take, as the manifest wishes and policy allows. */
  callTimeoutMs: number | undefined;
  /** False from the moment on that the process is being stopped. */
  isOpen: () => boolean;
  ask: (question: Question, cancellation: Cancellation) => Promise<Reply>;
  /** For the plugin's log. */
  onFault: (text: string) => void;
  onPanel: (wish: PanelWish, verdict: "allow" | "deny" | "simulate") => void;
}

interface Running {
  route: MountedRoute;
  cancellation: LateSignal;
}

export class PluginDoors {
  readonly #o: PluginDoorsOptions;
  readonly #running = new Set<Running>();
  readonly #sockets: RouteSockets;
  #mounting: Mounting | undefined;
  #shut = false;
  readonly #rights: StandingRights<MountedRoute>;
  /** Routes that are live, or would be if this release served. */
  #routes: MountedRoute[] = [];

  constructor(options: PluginDoorsOptions) {
    this.#o = options;
    this.#sockets = new RouteSockets({ ...options, checkOpen: () => this.#checkOpen() });
    this.#rights = options.wishes.standing({
      op: "http.mount",
      permission: "http.mount",
      wishes: this.#declared(),
      nameOf: ({ method, path }) => `${method} ${path}`,
      check: (table, { method, path, auth }) => table.mount({ method, path, auth }),
      onShut: ({ method, path, auth }, verdict) => {
        const why = verdict === "deny" ? `the permission http.mount does not cover it with ${auth}` : "this is a trial run";
        options.onFault(`${method} ${path} stays shut: ${why}.`);
      },
    });
  }

  /** `METHOD /path` of every route that is open. */
  get routes(): string[] {
    return this.#mounting === undefined ? [] : this.#routes.map(({ method, path }) => `${method} ${path}`);
  }

  /** Checks its routes; the returned act puts them in the place of the plugin's former ones. @throws bad_request reason route_taken */
  prepare(): () => void {
    const { mounts, release } = this.#o;
    this.#routes = this.#rights.open();
    const open = mounts.prepare(release.id, this.#routes);
    return () => {
      this.#mounting = open();
      this.#rights.askForRest(() => this.#mounting !== undefined && this.prepare()());
    };
  }

  /** Withdrawn is what a successor has not taken over. */
  withdraw(): void {
    this.#sockets.end();
    this.#rights.stopAsking();
    this.#mounting?.withdraw();
    this.#mounting = undefined;
  }

  /** Another release has its addresses now. */
  letGo(): void {
    this.#rights.stopAsking();
    this.#mounting = undefined;
  }

  /** Nobody comes in any more, but its addresses are kept for a successor; the returned act gives them up if none has taken them. */
  surrender(): () => void {
    this.#rights.stopAsking();
    const mounting = this.#mounting;
    this.#mounting = undefined;
    this.#shut = true;
    this.#sockets.end();
    return () => mounting?.withdraw();
  }

  /** Live: routes come and go with the right, and what runs on a lost one ends. @source §3.4.3 */
  setGrants(): void {
    this.#rights.forgetAnswers();
    if (this.#mounting !== undefined) this.prepare()();
    else this.#routes = this.#rights.open();
    for (const { route, cancellation } of this.#running)
      if (!this.#routes.includes(route)) cancellation.abort(denied("http.mount", route.path));
    this.#sockets.endUnless((route) => this.#routes.includes(route));
  }

  /**
   * One wish of a panel; what the plugin does for it, it does under its own rights.
   * @returns what the plugin answers; null in a trial run without the right to panels
   * @throws permission_denied · not_found · what the plugin reports
   */
  async panel(wish: PanelWish, o: { requestId: string; signal: AbortSignal }): Promise<JsonValue> {
    const { release, clock, wishes, onPanel } = this.#o;
    const verdict = await wishes.decide({
      op: "panel.call",
      trace: o.requestId,
      grants: wishes.newGrants(),
      check: (table) => table.require("ui.panel", wish.panel),
      signal: o.signal,
    });
    onPanel(wish, verdict);
    if (verdict === "deny") throw denied("ui.panel", wish.panel);
    if (verdict === "simulate") return null;
    if (release.manifest.contributes.panels?.some(({ id }) => id === wish.panel) !== true)
      throw new HnError("not_found", { message: `The plugin has no panel ${wish.panel.slice(0, 40)}.` });
    const question = panelQuestion(wish, { requestId: o.requestId, deadline: clock.monotonic() + this.#patience(undefined) });
    const { output } = await this.#o.ask(question, cancelledBy(o.signal));
    const value = output["value"] ?? null;
    if (Buffer.byteLength(JSON.stringify(value)) > PANEL_MESSAGE_MAX_BYTES) {
      this.#o.onFault(`The panel method ${wish.method} answered with more than ${PANEL_MESSAGE_MAX_BYTES} bytes.`);
      throw new HnError("internal_error", { message: "The plugin's answer to its panel is larger than 64 KiB." });
    }
    return value;
  }

  #declared(): MountedRoute[] {
    return (this.#o.release.manifest.contributes.http ?? [])
      .flatMap(({ routes }) => routes)
      .map(({ method, path, auth, pseudo, maxBodyBytes, ws, protocols = [] }) => {
        const route: MountedRoute = {
          method,
          path,
          auth,
          ...(pseudo === undefined ? {} : { pseudo }),
          maxBodyBytes: Math.min(maxBodyBytes ?? CONSTANTS.CALL_BODY_MAX_BYTES, CONSTANTS.CALL_BODY_CEILING_BYTES),
          serve: (request) => (ws === true ? Promise.reject(websocketOnly()) : this.#serve(route, request)),
          ...(ws === true
            ? { socket: { protocols, talk: (request, way) => this.#sockets.talk(route, { request, ...way }) } }
            : {}),
        };
        return route;
      });
  }

  /** @throws capacity_exceeded */
  #checkOpen(): void {
    if (this.#shut || !this.#o.isOpen())
      throw new HnError("capacity_exceeded", {
        message: "Another version of the plugin takes over at this moment.",
        action: "Try again in a second.",
        retryAfterMs: RETRY_MS,
      });
  }

  async #serve(route: MountedRoute, request: RouteRequest): Promise<RouteAnswer> {
    this.#checkOpen();
    const running = { route, cancellation: cancelledBy(request.signal) };
    this.#running.add(running);
    try {
      const name = `${route.method} ${route.path}`;
      const deadline = this.#o.clock.monotonic() + this.#patience(request.timeoutMs);
      const { output } = await this.#o.ask(routeQuestion(request, { route: name, deadline }), running.cancellation);
      return this.#checked(name, output);
    } finally {
      this.#running.delete(running);
    }
  }

  #checked(name: string, output: JsonObject): RouteAnswer {
    try {
      const answer = readRouteAnswer(output);
      const { dropped } = headersOut(answer.headers);
      if (dropped.length > 0) this.#o.onFault(`${name}: these headers do not leave the node: ${dropped.slice(0, 8).join(", ")}.`);
      return answer;
    } catch (error) {
      this.#o.onFault(`${name}: ${HnError.from(error).message}`);
      throw new HnError("internal_error", { message: "The plugin gave no proper answer. Report it to its author." });
    }
  }

  #patience(asked: number | undefined): number {
    return Math.min(ANSWER_MS, this.#o.callTimeoutMs ?? ANSWER_MS, asked ?? ANSWER_MS);
  }
}

function websocketOnly(): HnError {
  return new HnError("bad_request", { reason: "websocket_only" });
}
