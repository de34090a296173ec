import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hasBubblewrap } from "../../../host/test/runtime/fixtures/world.ts";
import type { Outcome } from "./ask.ts";
import { ATTACKS, deviations } from "./corpus.ts";
import { reportAttack } from "./report.ts";
import { AttackStage } from "./stage.ts";

const confined = hasBubblewrap();
let place: AttackStage;
before(async () => {
  if (confined) place = await AttackStage.open();
});
after(async () => {
  if (confined) await place.close();
});

/** One field of the report: how many attempts, and what they came to. */
function summary(outcome: Outcome): string {
  const counts = Map.groupBy(Object.values(outcome), (result) => result);
  return [...counts].map(([result, all]) => `${result}${all.length === 1 ? "" : ` ×${all.length}`}`).join(", ");
}

for (const attack of ATTACKS) {
  test(`${attack.id}: cannot ${attack.title}; the control can`, async (t) => {
    if (!confined) return t.skip("needs bubblewrap");
    const control = await place.asControl(attack);
    assert.deepEqual(deviations(control, attack.control), [], "the control must succeed, else the row proves nothing");
    const { outcome, label, brokered, changed, record, neighbour } = await place.asPlugin(attack);
    assert.equal(label, "os");
    assert.deepEqual(deviations(outcome, attack.plugin), []);
    assert.deepEqual(brokered, ["capabilities.register: allow"], "nothing was asked of the broker but its own offer");
    assert.deepEqual(changed, [], "its package is what the publisher signed");
    let system = "-";
    if (attack.system !== undefined) {
      const bare = await place.againstSystem(attack);
      assert.deepEqual(deviations(bare, attack.system), []);
      system = summary(bare);
    }
    assert.deepEqual(place.leftovers(attack), []);
    assert.ok(await place.neighbourIsWell(), "the neighbour is unharmed");
    reportAttack({
      row: attack.id,
      title: attack.title,
      confined: `${summary(outcome)}; sandbox alone: ${system}`,
      control: summary(control),
      record,
      neighbour,
    });
  });
}
