/** The community around the plugin under test, as its author sees it. @source plugin-platform §4.7 */
import type { Event, EventQuery, JsonObject, PlacedEvent, PluginManifest } from "@hearthnet/host/contract";
import type { CommunityWish, HostCommunity, Person } from "@hearthnet/host/plugin-host";
import type { TestCommunity, TestHostOptions, TestNeighbour } from "./options.ts";

const PAGE = 1000;
/** Rights that mean nothing where there is no community. */
const SHARED = /^(events\.|community\.|identity\.)/;

/** What the test asks for; by default a community where the manifest asks for a right to one. */
export function wishedCommunity(option: TestHostOptions["community"], manifest: PluginManifest): { community?: CommunityWish } {
  const rights = [...manifest.permissions, ...(manifest.optionalPermissions ?? [])];
  const wanted = option ?? rights.some(({ name }) => SHARED.test(name));
  if (wanted === false) return {};
  return { community: { level: wanted === true ? "anchor" : (wanted.level ?? "anchor") } };
}

export function testCommunity(around: HostCommunity): TestCommunity {
  const { village, here } = around;
  return {
    id: here.community.communityId() ?? "",
    nodeId: here.signer.nodeId,
    events: (types) => eventsOf(here, types),
    append: async (type, data) => write(here, { type, data }),
    async neighbour(name, { level = "member" } = {}) {
      const guest = village.person(name);
      await village.welcome({ host: here, guest, level });
      return neighbour(around, guest);
    },
  };
}

function neighbour({ village, here }: HostCommunity, person: Person): TestNeighbour {
  return {
    nodeId: person.signer.nodeId,
    name: person.name,
    async append(type, data) {
      const event = await write(person, { type, data });
      if (!village.isCut) await village.meet(person, here);
      return event;
    },
    meet: () => village.meet(person, here),
    received: (types) => eventsOf(person, types),
    leave: async () => {
      await person.community.leave();
      if (!village.isCut) await village.meet(person, here);
    },
    revoke: async () => void (await here.community.revoke({ target: person.signer.nodeId, reason: "other" })),
  };
}

function write(person: Person, { type, data }: { type: string; data: JsonObject }): Promise<Event> {
  return person.community.append({ type, data });
}

/** Every event, in the order of the log. */
function eventsOf(person: Person, types: readonly string[]): PlacedEvent[] {
  const events: PlacedEvent[] = [];
  let after: EventQuery["after"];
  for (;;) {
    const page = person.community.read({ types, ...(after === undefined ? {} : { after }), limit: PAGE });
    events.push(...page.events);
    if (page.next === null) return events;
    after = page.next;
  }
}
