import type { NodeFacts, Role, Session } from "@hearthnet/host/contract";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, owner: 2 };

/** Who sits before the screen; null until the node has said so. */
class SignIn {
  session: Session | null = $state.raw(null);
  node: NodeFacts | null = $state.raw(null);

  may(role: Role): boolean {
    return this.session !== null && RANK[this.session.role] >= RANK[role];
  }
}

export const signIn: SignIn = new SignIn();
