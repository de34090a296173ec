import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant, JsonObject } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { Availability } from "../../../src/runtime/commons/index.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";
import { openNeighbourhood, type SharingPlugin } from "./neighbours.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
const BY = { by: "acme/watch", ttlMs: 120_000 };

test("what is missing is missing for as long as it was said, and said again it goes on (§3.1 availability.set)", () => {
  const clock = new ManualClock();
  const availability = new Availability(clock);
  const seen: unknown[] = [];
  availability.watch((flags) => seen.push(flags));
  availability.set("internet", true, BY);
  assert.deepEqual(seen, [], "it was there already");
  availability.set("internet", false, BY);
  clock.advance(100_000);
  availability.set("internet", false, BY);
  clock.advance(100_000);
  assert.deepEqual(availability.flags, { internet: false });
  availability.set("power", false, { ...BY, ttlMs: 1000 });
  clock.advance(1000);
  assert.deepEqual(seen, [{ internet: false }, { internet: false, power: false }, { internet: false }]);
  clock.advance(19_000);
  assert.deepEqual(availability.flags, {}, "nobody said it again");
  availability.set("internet", false, BY);
  availability.set("internet", true, BY);
  assert.deepEqual(availability.flags, {});
});

test("whoever said so and is gone is believed for another minute at most; whoever may not any more, not at all (35 §3.10)", () => {
  const clock = new ManualClock();
  const availability = new Availability(clock);
  availability.set("internet", false, BY);
  availability.leave("acme/other");
  availability.leave(BY.by);
  clock.advance(59_000);
  assert.deepEqual(availability.flags, { internet: false });
  clock.advance(1000);
  assert.deepEqual(availability.flags, {});
  availability.set("internet", false, { ...BY, ttlMs: 10_000 });
  availability.leave(BY.by);
  clock.advance(10_000);
  assert.deepEqual(availability.flags, {}, "a minute is no extension");
  availability.set("internet", false, BY);
  availability.set("power", false, BY);
  availability.retract((by, flag) => by !== BY.by || flag === "power");
  assert.deepEqual(availability.flags, { power: false });
});

const watcher = (name: string, grants: Grant[]): SharingPlugin => ({
  name,
  does: `await ctx.availability.set(req.input.flag, req.input.value, req.input.ttl ?? 60); return { internet: ctx.availability.get("internet") };`,
  grants,
  manifest: { roles: ["availability"] },
});
const SET = allow("availability.set", { flags: ["internet"] });
const OFF = { flag: "internet", value: false };

for (const tier of ["process", "isolate"] as const)
  test(`${tier}: one plugin says what the node can count on, and all others hear it (§3.3, 35 §5)`, { skip }, async (t) => {
    const told: unknown[] = [];
    const { install, ask, world } = await openNeighbourhood(t, { onAvailability: (flags) => told.push(flags) });
    const { id } = await install(watcher("watch", [SET]));
    const other = await install(watcher("also_watch", [SET]));
    const hears = (name: string): SharingPlugin => ({
      name,
      tier,
      top: "const seen = [];",
      does: `if (seen.length === 0) ctx.availability.on(() => seen.push(ctx.availability.get("internet")));
        if (seen.length === 0) seen.push(ctx.availability.get("internet"));
        return { seen, power: ctx.availability.get("power") };`,
    });
    await install(hears("early"));
    const early = (): Promise<JsonObject> => ask("early");
    assert.deepEqual(await early(), { seen: [true], power: true });

    const denied = { code: "permission_denied", reason: null };
    assert.deepEqual(await ask("watch", OFF), denied, "the right alone is not enough");
    world.runtime.rights.assignRole("availability", id, {});
    assert.deepEqual(await ask("also_watch", OFF), denied, "another has the role");
    assert.deepEqual(await ask("watch", { ...OFF, flag: "power" }), denied, "a flag that was not granted");
    assert.deepEqual(await ask("watch", { ...OFF, ttl: 3601 }), { code: "bad_request", reason: null });
    assert.deepEqual(told, []);

    await ask("watch", OFF);
    assert.deepEqual(told, [{ internet: false }]);
    await until("the other has heard it", async () => ((await early())["seen"] as unknown[]).length === 2);
    await install(hears("late"));
    assert.deepEqual(await ask("late"), { seen: [false], power: true }, "who starts later knows it from the start");
    await ask("watch", { ...OFF, value: true });
    await until("and that it is back", async () => ((await early())["seen"] as unknown[]).at(-1) === true);

    await ask("watch", OFF);
    await world.runtime.setGrants(
      id,
      world.runtime.grants(id).filter(({ permission }) => permission !== "availability.set"),
    );
    assert.deepEqual(told.at(-1), {}, "the right is gone, and what was said under it (§3.4.3)");
    assert.deepEqual(await ask("watch", OFF), denied);
    await world.runtime.setGrants(id, [...world.runtime.grants(id), SET]);
    await ask("watch", OFF);
    world.runtime.rights.assignRole("availability", other.id, { instead: id });
    assert.deepEqual(told.at(-1), {}, "another watches from now on");
    const rows = world.runtime.ledger(500).rows.filter(({ op }) => op === "availability.set");
    assert.deepEqual(
      new Set(rows.map(({ verdict, target }) => `${verdict} ${target}`)),
      new Set(["allow internet", "deny internet", "deny power"]),
    );
  });
