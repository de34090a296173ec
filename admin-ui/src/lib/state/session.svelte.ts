import type { NodeFacts, Role, Session, SessionEnd } from "@hearthnet/host/contract";
import { del } from "#lib/api/client.ts";
import { hangUp } from "#lib/api/live.ts";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, owner: 2 };

/** Who sits before the screen; null until the node has said so. */
class SignIn {
  session: Session | null = $state.raw(null);
  node: NodeFacts | null = $state.raw(null);
  /** How the session before ended, if it was not this page that ended it. */
  ended: SessionEnd | null = $state.raw(null);

  may(role: Role): boolean {
    return this.session !== null && RANK[this.session.role] >= RANK[role];
  }
}

export const signIn: SignIn = new SignIn();

/** Ends this browser's session; the page starts anew, so nothing that was shown stays in memory. */
export async function signOut(): Promise<void> {
  hangUp();
  // A node that does not answer cannot end the session; the page is left all the same.
  await del("/session").catch(() => {});
  signIn.session = null;
  location.assign("/login");
}
