import type {
  CapabilityDescriptor,
  Handler,
  JsonSchema,
  Offer,
  TokenIssueInput,
  TokenRevokedFor,
  TokenRoom,
} from "../../contract/index.ts";

const ULID: JsonSchema = { type: "string", pattern: "^[0-9A-Z]{26}$" };
const NODE: JsonSchema = { type: "string", minLength: 51, maxLength: 51 };
const SCOPE: JsonSchema = {
  type: "object",
  required: ["capabilities"],
  properties: {
    capabilities: { type: "array", minItems: 1, maxItems: 32, items: { type: "string", maxLength: 96 } },
    params_constraints: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
  },
};

function closed(required: string[], properties: Record<string, JsonSchema>): JsonSchema {
  return { type: "object", additionalProperties: false, required, properties };
}

function request(input: JsonSchema): JsonSchema {
  return { type: "object", required: ["params", "input"], properties: { params: closed([], {}), input } };
}

function response(output: JsonSchema): JsonSchema {
  return { type: "object", required: ["output"], properties: { output } };
}

function descriptor(name: string, o: { input: JsonSchema; output: JsonSchema; idempotent: boolean }): CapabilityDescriptor {
  return {
    name,
    version: [1, 0],
    stability: "stable",
    request_schema: request(o.input),
    response_schema: response(o.output),
    stream_schema: null,
    params: {},
    max_concurrent: 16,
    trust_required: "member",
    timeout_seconds: 10,
    idempotent: o.idempotent,
  };
}

/** `auth.token.*`, as the host offers them on the bus. Who may what is the room's own decision. @source 05 §5, §6, 00 §5.2 */
export function tokenOffers(room: Pick<TokenRoom, "issue" | "revoke" | "introspect">): Offer[] {
  const issue: Handler = async ({ body, caller }) => ({
    output: { ...(await room.issue(body.input as unknown as TokenIssueInput, caller)) },
    meta: {},
  });
  const revoke: Handler = async ({ body, caller }) => {
    const { client_id, token_id, reason } = body.input as { client_id: string; token_id: string; reason?: TokenRevokedFor };
    return { output: await room.revoke({ client_id, token_id, ...(reason === undefined ? {} : { reason }) }, caller), meta: {} };
  };
  const introspect: Handler = ({ body, caller }) => {
    const { active, scope, expires_at } = room.introspect(body.input["token"] as string, caller);
    return Promise.resolve({
      output: {
        active,
        ...(scope === undefined ? {} : { scope: { ...scope } as never }),
        ...(expires_at === undefined ? {} : { expires_at }),
      },
      meta: {},
    });
  };
  return [
    {
      descriptor: descriptor("auth.token.issue", {
        idempotent: false,
        input: closed(["client_id", "subject", "scope"], {
          client_id: ULID,
          subject: { type: "string", minLength: 1, maxLength: 51 },
          scope: SCOPE,
          ttl_seconds: { type: "integer", minimum: 1, maximum: 86_400 },
          audience: NODE,
          issued_via: { enum: ["federation", "onboarding", "manual", "relay"] },
          aud_node: NODE,
        }),
        output: closed(["token", "token_id"], { token: { type: "string" }, token_id: ULID }),
      }),
      handler: issue,
    },
    {
      descriptor: descriptor("auth.token.revoke", {
        idempotent: false,
        input: closed(["client_id", "token_id"], {
          client_id: ULID,
          token_id: ULID,
          reason: { enum: ["manual", "policy", "compromise"] },
        }),
        output: closed(["event_id"], { event_id: ULID }),
      }),
      handler: revoke,
    },
    {
      descriptor: descriptor("auth.token.introspect", {
        idempotent: true,
        input: closed(["token"], { token: { type: "string", maxLength: 2048 } }),
        output: closed(["active"], {
          active: { type: "boolean" },
          scope: { type: "object" },
          expires_at: { type: "integer" },
        }),
      }),
      handler: introspect,
    },
  ];
}
