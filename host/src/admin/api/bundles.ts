import { Readable } from "node:stream";
import type { BundleFacts, BundleMade, BundleProgress, BundleWork } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { shape, TEXT } from "./shapes.ts";

const PATH_MAX = 4096;
/** Not more often is a line about progress written, per cent. */
const STEP = 5;

interface MakeBody {
  plugins: string[];
  out: string;
  platform?: string;
  with_dependencies: boolean;
  with_assets: boolean;
}

/** Plugins on a stick: what lies here, one from the browser, and at the terminal a path that the node reads or writes itself. @source marketplace §8 */
export const bundleRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/bundles",
    role: "viewer",
    handle: async (_request: ApiRequest, { services }) => ({ items: await services.marketplace.bundles.list() }),
  },
  {
    method: "POST",
    path: "/bundles",
    role: "owner",
    stepUp: true,
    streamed: true,
    audit: "bundle.attach",
    handle: async (request: ApiRequest<Readable>, { services }) => {
      const { body, signal } = request;
      try {
        // Left early, it must stay open: a refusal is to be read by whoever still sends.
        const source = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
        const facts = await services.marketplace.bundles.attach(source, { signal });
        return new ApiReply(facts, { auditTarget: facts.id });
      } catch (error) {
        body.resume();
        throw error;
      }
    },
  },
  {
    method: "POST",
    path: "/bundles/attach",
    role: "socket",
    audit: "bundle.attach",
    auditTarget: ({ path }: { path: string }) => path,
    body: shape({ path: TEXT(PATH_MAX) }),
    handle: (request: ApiRequest<{ path: string }>, { services }) =>
      new ApiReply(lines<BundleFacts>(request.signal, (work) => services.marketplace.bundles.attach(request.body.path, work))),
  },
  {
    method: "POST",
    path: "/bundles/make",
    role: "socket",
    audit: "bundle.make",
    auditTarget: ({ out }: MakeBody) => out,
    body: shape({
      plugins: { type: "array", minItems: 1, maxItems: 200, items: TEXT(160) },
      out: TEXT(PATH_MAX),
      "platform?": TEXT(64),
      with_dependencies: { type: "boolean" },
      with_assets: { type: "boolean" },
    }),
    handle: (request: ApiRequest<MakeBody>, { services }) => {
      const { plugins, out, platform, with_dependencies, with_assets } = request.body;
      const order = {
        plugins,
        out,
        ...(platform === undefined ? {} : { platform }),
        withDependencies: with_dependencies,
        withAssets: with_assets,
      };
      return new ApiReply(lines<BundleMade>(request.signal, (work) => services.marketplace.bundles.make(order, work)));
    },
  },
  {
    method: "DELETE",
    path: "/bundles/:id",
    role: "owner",
    audit: "bundle.detach",
    handle: async (request: ApiRequest, { services }) => {
      await services.marketplace.bundles.detach(request.params["id"] ?? "");
      return {};
    },
  },
];

/** One JSON frame a line: `progress` while it goes on, then `done` or `error`. Whoever stops reading cancels. */
function lines<T>(signal: AbortSignal, begin: (work: BundleWork) => Promise<T>): Readable {
  return Readable.from(
    (async function* () {
      const abort = new AbortController();
      const waiting: BundleProgress[] = [];
      let wake = (): void => {};
      let shown = -1;
      const work = begin({
        signal: AbortSignal.any([signal, abort.signal]),
        onProgress: (progress) => {
          const percent = (progress.doneBytes / Math.max(progress.totalBytes, 1)) * 100;
          if (percent < shown + STEP) return;
          shown = percent;
          waiting.push(progress);
          wake();
        },
      });
      let over = false;
      const settled = work.then(
        (made) => ({ event: "done", data: made }),
        (error: unknown) => ({ event: "error", data: HnError.from(error).toLocal() }),
      );
      void settled.then(() => {
        over = true;
        wake();
      });
      try {
        while (!over) {
          const next = waiting.shift();
          if (next !== undefined)
            yield `${JSON.stringify({ event: "progress", data: { done_bytes: next.doneBytes, total_bytes: next.totalBytes } })}\n`;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
        yield `${JSON.stringify(await settled)}\n`;
      } finally {
        abort.abort(new HnError("timeout", { message: "It was cancelled before it was done." }));
      }
    })(),
  );
}
