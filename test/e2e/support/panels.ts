/** What tests of plugins' own pages do inside the frame. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FrameLocator } from "playwright-core";
import type { Visitor } from "./visitor.ts";

const AXE = readFileSync(join(import.meta.dirname, "..", "..", "..", "node_modules", "axe-core", "axe.min.js"), "utf8");

export const inside = (me: Visitor): FrameLocator => me.page.frameLocator("iframe");

/** What axe finds inside the frame, which the page around it cannot see into: nothing. */
export async function accessibleInside(me: Visitor): Promise<void> {
  const frame = me.page.frames().find((one) => one !== me.page.mainFrame());
  assert.ok(frame);
  await frame.evaluate(AXE);
  const violations = await frame.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(o: object): Promise<{ violations: { id: string; help: string }[] }> } };
    return (await axe.run({ preload: false })).violations.map(({ id, help }) => `${id}: ${help}`);
  });
  assert.deepEqual(violations, []);
}
