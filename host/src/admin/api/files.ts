import type { Readable } from "node:stream";
import type { FileHolder, FileItem, FilesPage, JsonObject, UploadDone, Visibility } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { isCid } from "../../identity/index.ts";
import { type AdminContext, ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { attachment } from "./attachment.ts";
import { frameLines } from "./frame-lines.ts";
import { limitOf } from "./node.ts";
import { EMPTY, shape, TEXT } from "./shapes.ts";

const VISIBILITIES: readonly Visibility[] = ["private", "community", "public"];
const NAME_MAX = 1024;
const TYPE_MAX = 128;
const QUERY_MAX = 128;

/** Files by their content, as the operator puts them in, looks at them, hands them on. @source admin-ui §3 `/uploads`, 30 §2 */
export const fileRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/files",
    role: "operator",
    handle: (request: ApiRequest, context) => listed(request, context),
  },
  {
    method: "POST",
    path: "/uploads",
    role: "operator",
    streamed: true,
    audit: "file.upload",
    handle: (request: ApiRequest<Readable>, context) => upload(request, context),
  },
  {
    method: "GET",
    path: "/files/:cid",
    role: "operator",
    handle: async (request: ApiRequest, context) =>
      attachment(await context.services.runtime.files.open(cidOf(request), by(request, context))),
  },
  ...(["pin", "unpin"] as const).map((verb): ApiRoute => ({
    method: "POST",
    path: `/files/:cid/${verb}`,
    role: "operator",
    body: EMPTY,
    audit: `file.${verb}`,
    handle: (request: ApiRequest, context) => file(verb, { cid: cidOf(request) }, { request, context }),
  })),
  {
    method: "POST",
    path: "/files/:cid/share",
    role: "owner",
    body: shape({ visibility: { enum: VISIBILITIES } }),
    audit: "file.share",
    handle: (request: ApiRequest<{ visibility: Visibility }>, context) =>
      file("share", { cid: cidOf(request), visibility: request.body.visibility }, { request, context }),
  },
  {
    method: "DELETE",
    path: "/files/:cid",
    role: "owner",
    audit: "file.delete",
    handle: (request: ApiRequest, context) => file("delete", { cid: cidOf(request) }, { request, context }),
  },
  {
    method: "POST",
    path: "/files/fetch",
    role: "operator",
    body: shape({ cid: TEXT(71), "sources?": { type: "array", maxItems: 64, items: TEXT(64) } }),
    audit: "file.fetch",
    auditTarget: ({ cid }: { cid: string }) => cid,
    handle: (request: ApiRequest<{ cid: string; sources?: string[] }>, context) => {
      const { cid, sources } = request.body;
      const input = { cid: checkedCid(cid), ...(sources === undefined ? {} : { sources }) };
      const { bus } = context.services;
      return new ApiReply(frameLines(async () => bus.stream(wish("fetch", input, { request, context }))));
    },
  },
];

async function listed(request: ApiRequest, context: AdminContext): Promise<FilesPage> {
  const { runtime } = context.services;
  const keeper = runtime.files.keeper();
  const candidates = runtime.rights.roles().find(({ role }) => role === "blob-store")?.candidates ?? [];
  if (keeper === null) return { keeper, candidates, items: [] };
  const { q, after } = request.query;
  const input = {
    limit: limitOf(request, 50),
    ...(q === undefined || q.trim() === "" ? {} : { query: q.slice(0, QUERY_MAX) }),
    ...(after === undefined ? {} : { after }),
  };
  const output = await file("browse", input, { request, context });
  const { items, next, ...store } = output as unknown as Browsed;
  const name = namesOf(context);
  return {
    keeper,
    candidates,
    items: items.map((item) => ({
      ...item,
      holders: item.holders.map((node_id): FileHolder => ({ node_id, display_name: name(node_id) })),
    })),
    ...(next === undefined ? {} : { next }),
    store,
  };
}

type Browsed = { items: (Omit<FileItem, "holders"> & { holders: string[] })[]; next?: string } & NonNullable<FilesPage["store"]>;

function namesOf({ services: { community, peers } }: AdminContext): (node: string) => string {
  const names = new Map(peers.list().map(({ node_id, display_name }) => [node_id, display_name]));
  for (const { node_id, display_name } of community.communityId() === null ? [] : community.members())
    names.set(node_id, display_name);
  return (node) => names.get(node) ?? "";
}

/** The bytes go to the file store as fast as it takes them. When the browser leaves, nothing of them is kept. */
async function upload(request: ApiRequest<Readable>, context: AdminContext): Promise<ApiReply> {
  const { query, body } = request;
  try {
    const visibility = visibilityOf(query["visibility"]);
    const { name, type } = { name: textOf(query["name"], NAME_MAX), type: textOf(query["type"], TYPE_MAX) };
    const facts = {
      visibility,
      ...(name === undefined ? {} : { filename: name }),
      ...(type === undefined ? {} : { mime: type }),
    };
    // Left early, it must stay open: a refusal is to be read by whoever still sends.
    const source = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    const { cid, size } = await context.services.runtime.files.put(source, facts, by(request, context));
    return new ApiReply({ cid, size_bytes: size, type: type ?? "" } satisfies UploadDone, { auditTarget: cid });
  } catch (error) {
    body.resume();
    throw error;
  }
}

function visibilityOf(given: string | undefined): Visibility {
  const found = VISIBILITIES.find((one) => one === given);
  if (found !== undefined) return found;
  throw new HnError("bad_request", {
    message: "Who may see the file is missing.",
    action: "Add ?visibility=private, community or public to the address.",
  });
}

function textOf(given: string | undefined, max: number): string | undefined {
  return given === undefined || given === "" ? undefined : given.slice(0, max);
}

/** A capability of the file store, asked as the operator, at this node. */
async function file(verb: string, input: JsonObject, o: { request: ApiRequest; context: AdminContext }): Promise<JsonObject> {
  const { output } = await o.context.services.bus.call(wish(verb, input, o));
  return output;
}

function wish(
  verb: string,
  input: JsonObject,
  { request, context }: { request: ApiRequest; context: AdminContext },
): Parameters<AdminContext["services"]["bus"]["call"]>[0] {
  const { services } = context;
  // Without a plugin behind it the bus would only say that nobody offers the capability.
  if (services.runtime.files.keeper() === null) throw new HnError("not_implemented", { reason: "blob_store_missing" });
  return {
    capability: `file.${verb}`,
    version: [1, 0],
    body: { params: {}, input },
    node: services.facts().node_id,
    ...by(request, context),
  };
}

function by(
  { raw, signal }: ApiRequest,
  { services }: AdminContext,
): Parameters<AdminContext["services"]["runtime"]["files"]["open"]>[1] {
  return { caller: services.operator(), signal, traceId: raw.id };
}

function cidOf({ params }: ApiRequest): string {
  return checkedCid(params["cid"] ?? "");
}

/** @throws bad_request */
function checkedCid(cid: string): string {
  if (isCid(cid)) return cid;
  throw new HnError("bad_request", {
    message: "The id of a file is expected: blake3: and 64 digits.",
    action: "Copy the whole id from the other screen.",
  });
}
