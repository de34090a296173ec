import type { Signer } from "../../../host/src/identity/index.ts";
import { letterTo, linkTo, type Call } from "../two-nodes.ts";
import { BODY, type Places } from "./letter.ts";

/** Calls to the called process by HTTP, each signed and so is its answer: no session is opened to there. */
export function signedCall(
  signer: Signer,
  { nodeId, ours }: Pick<Places, "nodeId" | "ours">,
  capability = "ext.bench.echo",
): { call: Call; stop: () => Promise<void> } {
  const link = linkTo(signer, nodeId);
  const letter = { ...letterTo(nodeId, ours), capability, body: BODY, stream: false };
  const { signal } = new AbortController();
  return { call: () => link.call({ ...letter, signal }), stop: () => link.close() };
}
