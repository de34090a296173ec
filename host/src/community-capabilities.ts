import type {
  Bus,
  Community,
  CoSigned,
  CoSigner,
  Endpoint,
  JsonObject,
  JsonSchema,
  MemberLevel,
  Registration,
} from "./contract/index.ts";

const ID: JsonSchema = { type: "string", minLength: 1, maxLength: 64 };
const CO_SIGNED: Record<string, JsonSchema> = {
  client_id: ID,
  not_after: ID,
  co_signers: {
    type: "array",
    maxItems: 64,
    items: {
      type: "object",
      additionalProperties: false,
      required: ["node_id", "signature"],
      properties: { node_id: ID, signature: { type: "string", maxLength: 128 } },
    },
  },
};
const LEVEL: JsonSchema = { enum: ["member", "trusted", "anchor"] };
const DONE: JsonSchema = closed({ event_id: ID, lamport: { type: "integer", minimum: 1 } });

interface Row {
  name: string;
  request: JsonSchema;
  response: JsonSchema;
  idempotent: boolean;
  run: (input: JsonObject) => Promise<JsonObject>;
}

/**
 * Offers the acts of a community. Each writes an event under this node's own key, so only this node's operator reaches them: a neighbour or a plugin
 * would act in this node's name. Whether the node itself may is judged by the log.
 * @source 00 §5.2, G-6, 04 E-7, ADR 0020
 */
export function offerCommunity(o: { bus: Bus; community: Community; endpoints: () => Endpoint[] }): Registration[] {
  return rows(o).map(({ name, request, response, idempotent, run }) =>
    o.bus.offer({
      descriptor: {
        name,
        version: [1, 0],
        stability: "stable",
        request_schema: closed({ params: closed({}), input: request }, { session_id: ID }),
        response_schema: { type: "object", required: ["output"], properties: { output: response } },
        stream_schema: null,
        params: {},
        max_concurrent: 4,
        trust_required: "self",
        timeout_seconds: 30,
        idempotent,
      },
      onlyHere: true,
      handler: async (call) => ({ output: await run(call.body.input), meta: {} }),
    }),
  );
}

function rows({ community, endpoints }: { community: Community; endpoints: () => Endpoint[] }): Row[] {
  const change = (verb: "promote" | "demote"): Row => ({
    name: `community.${verb}`,
    request: closed({ target_node_id: ID, new_level: LEVEL }, CO_SIGNED),
    response: DONE,
    idempotent: true,
    run: async (input) =>
      placed(
        await community[verb]({
          target: text(input, "target_node_id"),
          level: text(input, "new_level") as MemberLevel,
          ...signedIn(input),
        }),
      ),
  });
  return [
    {
      name: "community.invite",
      request: closed(
        { invitee_node_id: ID, display_name: { type: "string", maxLength: 64 }, initial_level: { enum: ["member", "trusted"] } },
        { ttl_seconds: { type: "integer", minimum: 60, maximum: 604_800 } },
      ),
      response: closed({ event_id: ID, invite_blob: { type: "string" }, expires_at: ID }),
      idempotent: true,
      run: async (input) => {
        const ttl = input["ttl_seconds"];
        const made = await community.invite({
          invitee: text(input, "invitee_node_id"),
          display_name: text(input, "display_name"),
          level: text(input, "initial_level") as "member" | "trusted",
          endpoints: endpoints(),
          ...(typeof ttl === "number" ? { ttlSeconds: ttl } : {}),
        });
        return { event_id: made.event_id, invite_blob: made.text, expires_at: made.blob.expires_at };
      },
    },
    {
      name: "community.revoke",
      request: closed(
        { target_node_id: ID, reason: { type: "string", minLength: 1, maxLength: 200 } },
        { ...CO_SIGNED, target_head: { type: "object" } },
      ),
      response: DONE,
      idempotent: true,
      run: async (input) =>
        placed(
          await community.revoke({ target: text(input, "target_node_id"), reason: text(input, "reason"), ...signedIn(input) }),
        ),
    },
    change("promote"),
    change("demote"),
    {
      name: "community.leave",
      request: closed({}),
      response: closed({}),
      idempotent: false,
      run: async () => {
        await community.leave();
        return {};
      },
    },
  ];
}

/** What the co-signers have signed besides the act goes into the event as it came (E-7). */
function signedIn({ client_id, not_after, target_head, co_signers }: JsonObject): CoSigned {
  const signed: JsonObject = {};
  if (client_id !== undefined) signed["client_id"] = client_id;
  if (not_after !== undefined) signed["not_after"] = not_after;
  if (target_head !== undefined) signed["target_head"] = target_head;
  return {
    ...(Object.keys(signed).length > 0 ? { signed } : {}),
    ...(Array.isArray(co_signers) ? { coSigners: co_signers as unknown as CoSigner[] } : {}),
  };
}

function placed({ event_id, lamport }: { event_id: string; lamport: number }): JsonObject {
  return { event_id, lamport };
}

/** The schema has seen that it is one. */
function text(input: JsonObject, key: string): string {
  return input[key] as string;
}

function closed(required: Record<string, JsonSchema>, optional: Record<string, JsonSchema> = {}): JsonSchema {
  return {
    type: "object",
    additionalProperties: false,
    required: Object.keys(required),
    properties: { ...required, ...optional },
  };
}
