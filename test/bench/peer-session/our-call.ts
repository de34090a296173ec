import type { Signer } from "../../../host/src/identity/index.ts";
import { BODY } from "../signed-http/letter.ts";
import { letterTo, linkTo, type Call } from "../two-nodes.ts";
import type { SessionPlaces } from "./letter.ts";

/** Calls to the called process, on one peer session that the first of them opens. */
export function sessionCall(
  signer: Signer,
  { nodeId, ours }: SessionPlaces,
): { call: (o: { idempotent: boolean }) => Call; stop: () => Promise<void> } {
  const link = linkTo(signer, nodeId);
  const letter = letterTo(nodeId, ours);
  const { signal } = new AbortController();
  return {
    call:
      ({ idempotent }) =>
      async () => {
        // Opened once, by the first call.
        const session = link.sessions.live(nodeId) ?? (await link.sessions.open(nodeId, letter.endpoints));
        if (!session.isLive) throw new Error("the session is over");
        const capability = idempotent ? "ext.bench.echo" : "ext.bench.change";
        return link.call({ ...letter, capability, body: BODY, stream: false, signal, idempotent });
      },
    stop: () => link.close(),
  };
}
