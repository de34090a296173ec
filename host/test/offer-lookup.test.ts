import assert from "node:assert/strict";
import { it } from "node:test";
import { leastRequirement } from "../src/offer-lookup.ts";
import { makeBus, offer } from "./bus/make.ts";

it("finds the least that any provider asks for a capability, in that version or a later minor one (05 §6)", (t) => {
  const { bus } = makeBus();
  t.after(() => bus.close());
  const least = (name: string, version: [number, number]): string | null => leastRequirement(bus, { name, version });
  bus.offer(offer({ name: "ext.demo.echo", version: [1, 2], trust_required: "trusted" }));
  bus.offer(offer({ name: "ext.demo.echo", version: [2, 0], trust_required: "self" }));
  assert.equal(least("ext.demo.echo", [1, 2]), "trusted");
  bus.offer(offer({ name: "ext.demo.echo", version: [1, 0], trust_required: "member", params: { a: 1 } }));
  assert.equal(least("ext.demo.echo", [1, 0]), "member");
  assert.equal(least("ext.demo.echo", [1, 1]), "trusted");
  assert.equal(least("ext.demo.echo", [1, 3]), null);
  assert.equal(least("ext.demo.echo", [2, 0]), "self");
  assert.equal(least("ext.demo.other", [1, 0]), null);
});
