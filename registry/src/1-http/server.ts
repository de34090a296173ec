import fastifyStatic from "@fastify/static";
import Fastify, { type FastifyInstance } from "fastify";

const YEAR_SECONDS = 31_536_000;

/**
 * The read half of a registry: files, as any file server would give them. Everything but `timestamp.json` never changes under its name.
 * @source marketplace §3
 */
export async function openServer(o: {
  folder: string;
  host: string;
  port: number;
  /** Absent: plain http, for this machine or behind another server. */
  tls?: { cert: Buffer; key: Buffer };
}): Promise<{ app: FastifyInstance; url: string }> {
  const options = { logger: false, trustProxy: false };
  const app = o.tls === undefined ? Fastify(options) : (Fastify({ ...options, https: o.tls }) as unknown as FastifyInstance);
  await app.register(fastifyStatic, {
    root: o.folder,
    index: false,
    list: false,
    dotfiles: "deny",
    cacheControl: false,
    setHeaders: (reply, path) => {
      void reply.header("x-content-type-options", "nosniff");
      void reply.header(
        "cache-control",
        /\/(timestamp|root)\.json$/.test(path) ? "no-cache" : `public, max-age=${YEAR_SECONDS}, immutable`,
      );
    },
    allowedPath: (path) => /^\/(root\.json|tuf\/[\w%.-]+\.json|blobs\/sha256\/[0-9a-f]{2}\/[0-9a-f]{64})$/.test(path),
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: "not_found", message: "There is no such file in this registry." }),
  );
  await app.listen({ host: o.host, port: o.port });
  const address = app.server.address() as { port: number };
  return { app, url: `http${o.tls === undefined ? "" : "s"}://${o.host.includes(":") ? `[${o.host}]` : o.host}:${address.port}` };
}
