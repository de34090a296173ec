import type { LocalError } from "@hearthnet/host/contract";

const BASE = "/api/v1";

/** What every failed request throws; `detail` is the node's own answer. */
export class ApiError extends Error {
  readonly detail: LocalError;
  readonly status: number;

  constructor(detail: LocalError, status: number) {
    super(detail.message ?? detail.error);
    this.detail = detail;
    this.status = status;
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Set by the shell: asks for the password; true when the step may be repeated. */
let askStepUp: () => Promise<boolean> = () => Promise.resolve(false);
/** Set by the shell: the session has ended. */
let onSignedOut: () => void = () => {};

export function connectShell(o: { stepUp: () => Promise<boolean>; signedOut: () => void }): void {
  askStepUp = o.stepUp;
  onSignedOut = o.signedOut;
}

/**
 * One request to the node. A step that needs the password asks for it and then goes on by itself.
 * @throws ApiError
 */
export async function ask<T>(method: Method, path: string, o: { body?: unknown; signal?: AbortSignal } = {}): Promise<T> {
  try {
    return await send<T>(method, path, o);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.detail.reason === "step_up_required" && (await askStepUp())) return send<T>(method, path, o);
    if (error.detail.reason === "signed_out" || error.detail.reason === "not_set_up") onSignedOut();
    throw error;
  }
}

export const get = <T>(path: string): Promise<T> => ask<T>("GET", path);
/** @param signal  gives the request up: nobody waits for its answer any more */
export const post = <T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T> =>
  ask<T>("POST", path, signal === undefined ? { body } : { body, signal });
export const put = <T>(path: string, body: unknown): Promise<T> => ask<T>("PUT", path, { body });
export const patch = <T>(path: string, body: unknown): Promise<T> => ask<T>("PATCH", path, { body });
export const del = <T>(path: string): Promise<T> => ask<T>("DELETE", path);

async function send<T>(method: Method, path: string, { body, signal }: { body?: unknown; signal?: AbortSignal }): Promise<T> {
  const bytes = body instanceof Blob;
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "content-type": bytes ? "application/octet-stream" : "application/json" },
      body: body === undefined ? null : bytes ? body : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch {
    throw new ApiError({ error: "partition", reason: "node_silent" }, 0);
  }
  const text = await response.text();
  const json = parse(text);
  if (response.ok && json !== undefined) return json as T;
  throw new ApiError(isLocalError(json) ? json : { error: "internal_error" }, response.status);
}

function parse(text: string): unknown {
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isLocalError(value: unknown): value is LocalError {
  return typeof value === "object" && value !== null && typeof (value as LocalError).error === "string";
}

/** Any thrown value as the node's error object. */
export function errorOf(error: unknown): LocalError {
  return error instanceof ApiError ? error.detail : { error: "internal_error", reason: "page_broken", message: String(error) };
}

/** 26 characters; makes a repeated request harmless. */
export function newClientId(): string {
  const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  let time = Date.now();
  let head = "";
  for (let i = 0; i < 10; i++, time = Math.floor(time / 32)) head = (letters[time % 32] ?? "0") + head;
  const tail = crypto.getRandomValues(new Uint8Array(16));
  return head + [...tail].map((byte) => letters[byte % 32]).join("");
}
