/** Secrets that the host puts into a request, so that the plugin never has them. @source plugin-platform §2.4, §3.1 `secret.use` */
import { HnError } from "../../foundation/index.ts";
import { denied, nameOf, type Target } from "../permission/index.ts";
import { endpointsBeside, isSame, type Settings } from "./endpoints.ts";
import { isFieldName, isFieldValue, type Field } from "./headers.ts";
import { destination, type Rights } from "./reach.ts";

/** `{header: "authorization", secret: "/backends/0/api_key", prefix: "Bearer "}` */
export interface SecretHeader {
  header: string;
  /** JSON pointer of the setting. */
  secret: string;
  prefix: string;
}

const SECRETS_MAX = 8;
const PREFIX_MAX = 64;

/** As a plugin sent them. @throws bad_request */
export function readSecretHeaders(value: unknown): SecretHeader[] {
  const wrong = (message: string): HnError => new HnError("bad_request", { message, paths: ["/secrets"] });
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > SECRETS_MAX) throw wrong(`At most ${SECRETS_MAX} secrets are sent.`);
  return value.map((entry: unknown) => {
    const { header, secret, prefix = "" } = (entry ?? {}) as Record<string, unknown>;
    if (typeof header !== "string" || !isFieldName(header)) throw wrong("A secret needs the name of a header field to stand in.");
    if (typeof secret !== "string" || !secret.startsWith("/") || secret.length > 200)
      throw wrong("A secret is named by its place in the settings, like /api_key.");
    if (typeof prefix !== "string" || prefix.length > PREFIX_MAX || !isFieldValue(prefix))
      throw wrong(`What stands before a secret is at most ${PREFIX_MAX} plain characters.`);
    return { header: header.toLowerCase(), secret, prefix };
  });
}

/** @throws not_found while it is not set */
export function secretAt(pointer: string, settings: Settings): string {
  const value = Object.hasOwn(settings.secrets, pointer) ? settings.secrets[pointer] : undefined;
  if (value === undefined)
    throw new HnError("not_found", {
      message: `The secret ${pointer} is not set.`,
      action: "Enter it in the plugin's settings.",
    });
  return value;
}

/**
 * A field with its secret, for a target that the secret belongs to: an endpoint beside it in the settings, or, where the settings name none, a
 * host that a grant lists by its full name.
 * @throws permission_denied · Undecided · not_found while it is not set · bad_request for a secret that no header can carry
 */
export function secretField(o: SecretHeader, target: Target, rights: Rights): Field {
  rights.grants.secret("secret.use", o.secret);
  const value = secretAt(o.secret, rights.settings);
  checkPlace(o.secret, target, rights);
  if (!isFieldValue(value))
    throw new HnError("bad_request", { message: `The secret ${o.secret} holds characters that no header can carry.` });
  return [o.header, `${o.prefix}${value}`];
}

/** On the internet a secret travels encrypted or not at all. */
export function needsTls(target: Target, kind: string): HnError | undefined {
  return kind === "internet"
    ? new HnError("permission_denied", { message: `A secret is sent to ${nameOf(target)} through https only.` })
    : undefined;
}

/** @throws permission_denied · Undecided */
function checkPlace(pointer: string, target: Target, { grants, settings }: Rights): void {
  const beside = endpointsBeside(pointer, settings);
  if (beside === undefined) return grants.carry(pointer, destination(target, settings));
  if (!beside.some((one) => isSame(one, target))) throw denied("secret.use", `${pointer} at ${nameOf(target)}`);
}
