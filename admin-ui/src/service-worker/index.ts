/**
 * Keeps the page itself, so that a browser can say what is wrong when the node does not answer. Kept are the files of one build and the shell
 * that names them, never an answer of the API; and they are shown only when the node is silent, so nothing kept can outlive an update.
 * @source admin-ui §11 "Host gone"
 */
import { version } from "$app/env";
import { immutable } from "$app/manifest";
import { self } from "$app/service-worker";

const SHELL = "/";
const FILES = new Set(immutable.map(({ path }) => new URL(path, location.origin).pathname));
const CACHE = `hn-page-${version}`;

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOlder().then(() => self.clients.claim())));
self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (origin !== location.origin || event.request.method !== "GET") return;
  if (event.request.mode === "navigate") {
    event.respondWith(orShell(event.request));
    // Also here: a browser that was closed in the middle of an update may have kept both.
    event.waitUntil(forgetOlder());
  } else if (FILES.has(pathname)) event.respondWith(orKept(event.request));
});

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([SHELL, ...FILES]);
  await self.skipWaiting();
}

async function forgetOlder(): Promise<void> {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
}

/** The node's own answer, whatever it is; the kept shell only when there is none. */
async function orShell(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    return (await kept(SHELL)) ?? Response.error();
  }
}

/** A file's name tells its content, so the kept one is as good as the node's. */
async function orKept(request: Request): Promise<Response> {
  return (await kept(request)) ?? fetch(request);
}

async function kept(what: Request | string): Promise<Response | undefined> {
  return (await caches.open(CACHE)).match(what, { ignoreVary: true });
}
