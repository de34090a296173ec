import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { panelOrigin } from "../panels/host.ts";
import { CANONICAL_HOST, shouldRedirect } from "./guard.ts";

/**
 * Serves the built page. Every path that is no file is the app itself, which finds its own way by the address.
 * @source admin-ui §4 "Headers"
 */
export async function mountPage(app: FastifyInstance, o: { uiDir: string; port: () => number }): Promise<void> {
  const shellPath = join(o.uiDir, "200.html");
  if (!existsSync(shellPath)) {
    app.setNotFoundHandler((_request, reply) =>
      reply
        .code(503)
        .type("text/plain; charset=utf-8")
        .send("The page is not built yet. Run `npm run build`, then start the node again.\n"),
    );
    return;
  }
  const shell = readFileSync(shellPath, "utf8");
  const hashes = inlineScripts(shell);
  app.addHook("onSend", async (_request, reply) => {
    reply.header("content-security-policy", contentSecurityPolicy(hashes, panelOrigin(o.port())));
  });
  app.addHook("onRequest", async (request, reply) => {
    if (shouldRedirect(request)) await reply.redirect(`http://${CANONICAL_HOST}:${o.port()}${request.url}`, 302);
  });
  await app.register(fastifyStatic, {
    root: o.uiDir,
    index: false,
    preCompressed: true,
    setHeaders: (response, path) => {
      void response.header("cache-control", path.includes("/immutable/") ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  app.get("/", (_request, reply) => reply.type("text/html; charset=utf-8").header("cache-control", "no-cache").send(shell));
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== "GET" && request.method !== "HEAD") return reply.code(405).send();
    // A missing script must not arrive as HTML: the browser's complaint would hide the cause.
    if (/\.[a-z0-9]{1,5}$/i.test(request.url.split("?")[0] ?? "") && request.url.includes("/_app/"))
      return reply.code(404).send();
    return reply.type("text/html; charset=utf-8").header("cache-control", "no-cache").send(shell);
  });
}

/** Hashes of the inline scripts that the build wrote into the shell. */
function inlineScripts(shell: string): string[] {
  return [...shell.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    (match) =>
      `'sha256-${createHash("sha256")
        .update(match[1] ?? "")
        .digest("base64")}'`,
  );
}

/** Allows exactly these inline scripts, and panels of plugins as the only frames. */
function contentSecurityPolicy(hashes: readonly string[], panels: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${hashes.join(" ")}`.trim(),
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    `frame-src ${panels}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
}
