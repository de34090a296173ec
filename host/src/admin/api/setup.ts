import type { SetupFinish, SetupState } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { checkPassword, hashPassword } from "../auth/password.ts";
import { type AdminContext, ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { SESSION_COOKIE, SETUP_COOKIE } from "../listener/routes.ts";
import { joinByInvite } from "./people.ts";
import { EMPTY, shape, TEXT } from "./shapes.ts";

const SESSION_SECONDS = 30 * 86_400;
const SETUP_SECONDS = 3600;

export const setupRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/setup/state",
    role: "none",
    handle: (request: ApiRequest, { services, setup, sessions }): SetupState => {
      const facts = services.facts();
      return {
        set_up: setup.done(),
        session: sessions.find(request.raw.cookies[SESSION_COOKIE]),
        claimed: setup.holdsClaim(request.raw.cookies[SETUP_COOKIE]),
        replaced: setup.isReplaced(request.raw.cookies[SETUP_COOKIE]),
        node_id: facts.node_id,
        short_id: facts.short_id,
        suggested_name: facts.display_name,
        confinement: services.confinement().label,
      };
    },
  },
  {
    method: "POST",
    path: "/setup/claim",
    role: "none",
    body: shape({ token: { type: "string", maxLength: 128 } }),
    audit: "setup.claim",
    handle: (request: ApiRequest<{ token: string }>, { setup }) => {
      const id = setup.claim(request.body.token);
      return new ApiReply(
        { setup_id: id.slice(0, 8) },
        { cookies: [{ name: SETUP_COOKIE, value: id, maxAgeSeconds: SETUP_SECONDS }] },
      );
    },
  },
  {
    method: "POST",
    path: "/setup/finish",
    role: "setup",
    body: shape({
      password: { type: "string", maxLength: 1024 },
      display_name: TEXT(64),
      community: {
        type: "object",
        required: ["kind"],
        additionalProperties: false,
        properties: {
          kind: { enum: ["create", "join", "later"] },
          name: TEXT(64),
          root_passphrase: { type: "string", maxLength: 1024 },
          invite: TEXT(4096),
        },
      },
    }),
    audit: "setup.finish",
    handle: (request: ApiRequest<SetupFinish>, context) => finish(request, context),
  },
  {
    method: "POST",
    path: "/setup/reset",
    role: "socket",
    body: shape({ "password?": { type: "string", maxLength: 1024 } }),
    audit: "setup.reset",
    handle: (request: ApiRequest<{ password?: string }>, context) => reset(request.body.password, context),
  },
  {
    method: "POST",
    path: "/login/password",
    role: "none",
    body: shape({ password: { type: "string", maxLength: 1024 } }),
    audit: "login",
    handle: async (request: ApiRequest<{ password: string }>, { sessions }) =>
      signedIn(
        await sessions.signIn(request.body.password, {
          address: request.caller.address,
          userAgent: request.raw.headers["user-agent"],
        }),
        sessions,
      ),
  },
  { method: "GET", path: "/session", role: "viewer", handle: (request: ApiRequest) => request.caller.session },
  {
    method: "DELETE",
    path: "/session",
    role: "viewer",
    audit: "logout",
    handle: (request: ApiRequest, { sessions }) => {
      if (request.caller.sessionId !== undefined) sessions.end(request.caller.sessionId);
      return new ApiReply({}, { cookies: [{ name: SESSION_COOKIE, value: null, maxAgeSeconds: 0 }] });
    },
  },
  {
    method: "POST",
    path: "/step-up",
    role: "viewer",
    body: shape({ password: { type: "string", maxLength: 1024 } }),
    audit: "step-up",
    handle: async (request: ApiRequest<{ password: string }>, { sessions }) => {
      const { sessionId, address } = request.caller;
      if (sessionId === undefined) throw new HnError("bad_request", { message: "The terminal needs no second proof." });
      return signedIn(await sessions.stepUp(sessionId, { password: request.body.password, address }), sessions);
    },
  },
  {
    method: "POST",
    path: "/setup/link",
    role: "socket",
    body: EMPTY,
    audit: "setup.link",
    handle: (_request: ApiRequest, context) => ({ url: setupUrl(context) }),
  },
];

/** A fresh first-run link. */
export function setupUrl({ services, setup }: AdminContext): string {
  return `${services.facts().admin}/setup#${setup.newToken()}`;
}

async function finish({ body, raw }: ApiRequest<SetupFinish>, context: AdminContext): Promise<ApiReply> {
  const { services, store, setup, sessions } = context;
  if (setup.done()) throw new HnError("bad_request", { reason: "already_set_up" });
  const hash = await hashPassword(checkPassword(body.password), services.random);
  services.setDisplayName(body.display_name);
  store.setSetting("password", JSON.stringify(hash));
  let rootKeyFile: string | undefined;
  try {
    if (body.community.kind === "create")
      rootKeyFile = (
        await services.community.create({ name: body.community.name, rootPassphrase: body.community.root_passphrase })
      ).rootKeyFile;
    else if (body.community.kind === "join") await joinByInvite(body.community.invite, services);
  } catch (error) {
    // The wizard stays open on this step; nothing half-done remains.
    store.setSetting("password", null);
    throw error;
  }
  setup.finish();
  const id = sessions.open("owner", raw.headers["user-agent"]);
  return new ApiReply(
    { next: "/", ...(rootKeyFile === undefined ? {} : { root_key_file: rootKeyFile }) },
    {
      cookies: [
        { name: SESSION_COOKIE, value: id, maxAgeSeconds: SESSION_SECONDS },
        { name: SETUP_COOKIE, value: null, maxAgeSeconds: 0 },
      ],
    },
  );
}

/** With a password: set-up or sign-in reset without a browser. Without: the old sign-in is gone and a new link is returned. */
async function reset(password: string | undefined, context: AdminContext): Promise<{ url?: string }> {
  const { store, sessions, services, setup } = context;
  setup.finish();
  if (password !== undefined) {
    const hash = await hashPassword(checkPassword(password), services.random);
    store.setSetting("password", JSON.stringify(hash));
  } else store.setSetting("password", null);
  sessions.endAll();
  return password === undefined ? { url: setupUrl(context) } : {};
}

function signedIn(id: string, sessions: AdminContext["sessions"]): ApiReply {
  return new ApiReply(sessions.check(id), { cookies: [{ name: SESSION_COOKIE, value: id, maxAgeSeconds: SESSION_SECONDS }] });
}
