import { systemClock } from "../../../host/src/foundation/index.ts";
import type { Signer } from "../../../host/src/identity/index.ts";
import { createLink } from "../../../host/src/transport/index.ts";
import { BODY } from "../signed-http/letter.ts";
import type { SessionPlaces } from "./letter.ts";

export type Call = () => Promise<unknown>;

/** Calls to the called process, on one peer session that the first of them opens. */
export function sessionCall(
  signer: Signer,
  { nodeId, ours }: SessionPlaces,
): { call: (o: { idempotent: boolean }) => Call; stop: () => Promise<void> } {
  const link = createLink({
    signer,
    communityId: () => nodeId,
    standing: () => ({ kind: "member", level: "member" }),
    clock: systemClock,
  });
  const endpoints = [{ transport: "https" as const, host: "127.0.0.1", port: Number(new URL(ours).port) }];
  const { signal } = new AbortController();
  return {
    call:
      ({ idempotent }) =>
      async () => {
        // Opened once, by the first call.
        const session = link.sessions.live(nodeId) ?? (await link.sessions.open(nodeId, endpoints));
        if (!session.isLive) throw new Error("the session is over");
        return link.call({
          to: nodeId,
          endpoints,
          capability: idempotent ? "ext.bench.echo" : "ext.bench.change",
          version: "1.0",
          body: BODY,
          traceId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
          timeoutMs: 30_000,
          stream: false,
          signal,
          idempotent,
        });
      },
    stop: () => link.close(),
  };
}
