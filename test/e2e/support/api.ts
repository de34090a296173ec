/** The page's door spoken to without a browser, as its own page would, or as somebody who should not. */
import assert from "node:assert/strict";
import { request } from "node:http";
import type { LiveNode } from "../../support/live-node.ts";

export const PASSWORD = "vier Worte für dich";

export interface Answer {
  status: number;
  body: Record<string, unknown>;
  /** `name=value` of every cookie set. */
  cookies: string[];
}

export interface Ask {
  method?: string;
  /** A value sent as JSON, or a text sent as it is. */
  body?: unknown;
  cookie?: string;
  headers?: Record<string, string>;
}

/** Node resolves no `hearth.localhost`, so the name travels in the header alone. */
export function askPage(node: LiveNode, path: string, o: Ask = {}): Promise<Answer> {
  const { port, host } = new URL(node.ready.admin);
  const text = o.body === undefined || typeof o.body === "string" ? o.body : JSON.stringify(o.body);
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: "127.0.0.1",
        port,
        method: o.method ?? (o.body === undefined ? "GET" : "POST"),
        path: `/api/v1${path}`,
        headers: {
          host,
          "sec-fetch-site": "same-origin",
          ...(text === undefined ? {} : { "content-type": "application/json" }),
          ...(o.cookie === undefined ? {} : { cookie: o.cookie }),
          ...o.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const cookies = (response.headers["set-cookie"] ?? []).map((cookie) => cookie.split(";")[0] ?? "");
          const body = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>;
          resolve({ status: response.statusCode ?? 0, body, cookies });
        });
      },
    );
    call.on("error", reject);
    call.end(text);
  });
}

export type CommunityChoice =
  { kind: "create"; name: string; root_passphrase: string } | { kind: "join"; invite: string } | { kind: "later" };

/** Set-up as the page does it. @returns the session cookie's value */
export async function setUp(node: LiveNode, o: { name: string; community: CommunityChoice }): Promise<string> {
  const token = new URL(await node.setupLink()).hash.slice(1);
  const claim = await askPage(node, "/setup/claim", { body: { token } });
  const done = await askPage(node, "/setup/finish", {
    cookie: claim.cookies.join("; "),
    body: { password: PASSWORD, display_name: o.name, community: o.community },
  });
  assert.equal(done.status, 200, JSON.stringify(done.body));
  return done.cookies.find((cookie) => cookie.startsWith("hn_session="))?.slice("hn_session=".length) ?? "";
}
