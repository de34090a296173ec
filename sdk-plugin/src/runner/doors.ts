/** Requests on a plugin's routes and wishes of its panels, answered by its handlers. @source plugin-platform §4.3, §4.6 */
import type { HostMessage, JsonObject } from "@hearthnet/host/contract";
import type { Attachments } from "@hearthnet/host/format";
import { bytesOf } from "../bytes.ts";
import type { Ctx } from "../context.ts";
import type { PluginDefinition } from "../definition.ts";
import type { HttpRequest } from "../doors.ts";
import { HnError } from "../error.ts";
import { openCaller } from "./caller.ts";
import { HostLink, type OpOptions, type Parent, type PluginChannel } from "./host-link.ts";
import { isObject, kindOf } from "./json.ts";

export type HttpMessage = Extract<HostMessage, { t: "http" }>;
export type PanelMessage = Extract<HostMessage, { t: "panel" }>;
type Running = Parent & { signal: AbortSignal };

/** A link whose every op belongs to one call. */
export class CallLink extends HostLink {
  readonly #link: HostLink;
  readonly #parent: Parent;

  constructor(channel: PluginChannel, link: HostLink, parent: Parent) {
    super(channel);
    this.#link = link;
    this.#parent = parent;
  }

  override op: HostLink["op"] = (name, args, options) => this.#link.op(name, args, this.#bound(options));

  override frames: HostLink["frames"] = (name, args, options) => this.#link.frames(name, args, this.#bound(options));

  #bound(options: OpOptions | undefined): OpOptions {
    return { ...options, parent: this.#parent };
  }
}

/** @returns output as it travels: `{status, headers, json | text | bytes}` */
export async function answerHttp(
  message: HttpMessage,
  o: { definition: PluginDefinition; ctx: Ctx; link: HostLink; attachments: Attachments; live: Running },
): Promise<object> {
  const { definition, ctx } = o;
  const { route } = message;
  const handler = Object.hasOwn(definition.http ?? {}, route) ? definition.http?.[route] : undefined;
  if (handler === undefined) throw new HnError("not_implemented", { message: `The plugin has no handler for ${route}.` });
  // At once, as a call is: a signal that had fired before its handler listened would never be heard.
  const answer: unknown = await handler(requestOf(message, o), ctx);
  if (!isObject(answer) || typeof answer["status"] !== "number")
    throw new TypeError(
      `The handler of ${route} must return { status: 200, json: {…} } or the like; it returned ${kindOf(answer)}.`,
    );
  const { status, headers, json, text, bytes } = answer;
  return Object.fromEntries(Object.entries({ status, headers, json, text, bytes }).filter(([, part]) => part !== undefined));
}

export function requestOf(
  message: HttpMessage,
  { link, attachments, live }: { link: HostLink; attachments: Attachments; live: Running },
): HttpRequest {
  const { route, path, params, query, headers, caller, requestId, trace, deadlineMs } = message;
  const bytes = attachments.get("/bytes");
  // Where the JSON is too large for a header, it comes as text.
  const encoded = attachments.get("/encoded");
  const json: unknown = encoded === undefined ? message.body["json"] : JSON.parse(new TextDecoder().decode(encoded));
  return {
    id: requestId,
    traceId: trace,
    route,
    path,
    params,
    query,
    headers,
    body: json as JsonObject | undefined,
    bytes: bytes === undefined ? undefined : bytesOf(bytes),
    caller,
    deadline: Date.now() + deadlineMs,
    signal: live.signal,
    ...openCaller(link, live),
  };
}

/** @returns output as it travels: `{value}` */
export async function answerPanel(
  message: PanelMessage,
  { definition, ctx, live }: { definition: PluginDefinition; ctx: Ctx; live: Running },
): Promise<object> {
  const { panel, method, input } = message;
  const methods = definition.panel?.methods ?? {};
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler === undefined) {
    const known = Object.keys(methods).join(", ") || "none";
    throw new HnError("not_found", { message: `The plugin has no panel method ${method.slice(0, 64)}. Methods: ${known}.` });
  }
  const value: unknown = await handler(input, ctx, { panel, signal: live.signal });
  return { value: value ?? null };
}
