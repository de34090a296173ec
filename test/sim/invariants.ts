/** What holds in every world once nothing happens any more. @source network.md §7 */
import assert from "node:assert/strict";
import type { SimNode } from "./node.ts";

/** Equal logs make equal communities: both are compared, the log event by event. */
export function assertOneTruth(nodes: readonly SimNode[]): void {
  const [first, ...others] = nodes.map((node) => ({ name: node.name, log: logOf(node), view: viewOf(node) }));
  for (const other of others) {
    assert.deepEqual(other.log, first?.log, `the logs of ${first?.name} and ${other.name}`);
    assert.deepEqual(other.view, first?.view, `the communities of ${first?.name} and ${other.name}`);
  }
}

export function haveOneTruth(nodes: readonly SimNode[]): boolean {
  try {
    assertOneTruth(nodes);
    return true;
  } catch {
    return false;
  }
}

/** No call is left over, neither here nor at another's. */
export function assertQuiet(nodes: readonly SimNode[]): void {
  for (const node of nodes) {
    assert.equal(node.bus.inFlight(), 0, `calls at ${node.name}`);
    for (const entry of node.bus.entries())
      assert.equal(entry.in_flight, 0, `${node.name} counts calls to ${entry.descriptor.name}`);
  }
}

/** Every event as it was signed, with the level its author had, in the order of the log. */
export function logOf({ community }: SimNode): string[] {
  const events: string[] = [];
  for (let after: Parameters<typeof community.read>[0]["after"]; ;) {
    const page = community.read({ types: ["*"], ...(after === undefined ? {} : { after }), limit: 500 });
    for (const placed of page.events) events.push(JSON.stringify(placed));
    if (page.next === null) return events;
    after = page.next;
  }
}

function viewOf({ community }: SimNode): unknown {
  return {
    members: community.members().toSorted((a, b) => a.node_id.localeCompare(b.node_id)),
    revoked: community
      .revokedNodes()
      .map(({ node_id }) => node_id)
      .toSorted(),
  };
}
