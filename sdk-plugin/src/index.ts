/**
 * What a plugin author imports. Runs nothing by itself: the runner inside the sandbox reads the definition and supplies `ctx` and `req`.
 *
 * @example
 * import { definePlugin, HnError } from "@hearthnet/sdk-plugin";
 * export default definePlugin({
 *   setup: async (ctx) => void (await ctx.capabilities.register("ext.demo.upper@1.0")),
 *   capabilities: {
 *     "ext.demo.upper@1.0": async (req) => {
 *       const { text } = req.input;
 *       if (typeof text !== "string") throw new HnError("bad_request", { message: "Send a text." });
 *       return { output: { text: text.toUpperCase() } };
 *     },
 *   },
 * });
 */
export { bytesIn, bytesOf, type HnBytes } from "./bytes.ts";
export type {
  Blobs,
  BlobStat,
  BlobStore,
  CommunityFacts,
  Dht,
  EventReader,
  Events,
  Identity,
  Message,
  Pubsub,
  Query,
  RoleRequest,
  Roles,
  View,
} from "./commons.ts";
export type {
  Assets,
  Availability,
  Body,
  CallOptions,
  CallReply,
  Caller,
  Capabilities,
  CapabilityInstance,
  CapabilityRegistration,
  CapRef,
  Ctx,
  Database,
  Files,
  GrantView,
  Kv,
  KvEntry,
  Log,
  Req,
  WorkOptions,
  OpenWorker,
  Workers,
  WorkResult,
} from "./context.ts";
export {
  definePlugin,
  defineWorker,
  frame,
  type AnyManifest,
  type CapabilityTypes,
  type DataCtx,
  type DataDefinition,
  type DataStep,
  type Handler,
  type Manifest,
  type Plugin,
  type PluginDefinition,
  type Result,
  type WorkContext,
  type Worker,
  type WorkerDefinition,
} from "./definition.ts";
export type { HttpAnswer, HttpHandler, HttpRequest, PanelCall, PanelMethod, Socket, SocketHandler } from "./doors.ts";
export type {
  Answer,
  AnswerHeaders,
  Connection,
  Datagram,
  DatagramSocket,
  Fetch,
  FetchInit,
  Net,
  SecretHeader,
  Secrets,
  WebSocketConnection,
  WebSocketOptions,
} from "./network.ts";
export { HnError, type ErrorCode, type HnErrorOptions } from "./error.ts";
export type {
  ConfinementLabel,
  DhtEndpoint,
  Event,
  Frame,
  Grant,
  JsonObject,
  JsonValue,
  NodeId,
  PermissionName,
  PlacedEvent,
  Principal,
  ProvenCall,
  SessionProof,
  TrustLevel,
  Visibility,
} from "@hearthnet/host/contract";
