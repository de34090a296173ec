import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handler, JsonObject, Offer } from "../../../src/contract/index.ts";
import { body, later, makeBus, offer, operator } from "../make.ts";

const answering =
  (version: string): Handler =>
  () =>
    Promise.resolve({ output: { version }, meta: {} });
const named = (name: string, version: string, change: Parameters<typeof offer>[0] = {}): Offer => ({
  ...offer({ name, ...change }, answering(version)),
  plugin_id: "demo/one",
});
const ask = (capability: string): Parameters<ReturnType<typeof makeBus>["bus"]["call"]>[0] => ({
  capability,
  version: [1, 0],
  body: body(),
  caller: operator,
});

test("a release takes the places of the one before in one step: unchanged offers announce nothing, changed, new and dropped ones do (§6.4.4)", async () => {
  const { bus } = makeBus();
  const former = [
    named("ext.demo.same", "1"),
    named("ext.demo.slower", "1"),
    named("ext.demo.other", "1", { params: { model: "a" } }),
    named("ext.demo.dropped", "1"),
  ].map((one) => bus.offer(one));
  const changes: string[] = [];
  /** Whether every name that both releases have can be called, seen from within each announcement. */
  const gaps: string[] = [];
  bus.onChange(({ kind, entry }) => {
    changes.push(`${kind} ${entry.descriptor.name} ${JSON.stringify(entry.descriptor.params)}`);
    for (const name of ["ext.demo.same", "ext.demo.slower", "ext.demo.other"])
      if (bus.entries({ name }).length === 0) gaps.push(name);
  });
  const prepared = bus.prepare([
    named("ext.demo.same", "2"),
    named("ext.demo.slower", "2", { timeout_seconds: 60 }),
    named("ext.demo.other", "2", { params: { model: "b" } }),
    named("ext.demo.new", "2"),
  ]);
  assert.deepEqual(changes, [], "nothing moves before the flip");
  assert.equal((await bus.call(ask("ext.demo.same"))).output["version"], "1");
  prepared.flip(former);
  assert.deepEqual(changes, [
    "updated ext.demo.slower {}",
    'added ext.demo.other {"model":"b"}',
    "added ext.demo.new {}",
    'removed ext.demo.other {"model":"a"}',
    "removed ext.demo.dropped {}",
  ]);
  assert.deepEqual(gaps, []);
  for (const name of ["ext.demo.same", "ext.demo.slower", "ext.demo.other", "ext.demo.new"])
    assert.equal((await bus.call(ask(name))).output["version"], "2", name);
  assert.equal(bus.entries().length, 4);
  for (const registration of former) registration.withdraw();
  assert.equal(bus.entries().length, 4, "the former release has no power over its successor");
});

test("calls that run while a release follows another end where they began, and count until they have ended", async () => {
  for (const change of [{}, { timeout_seconds: 60 }]) {
    const { bus } = makeBus();
    const slow = later<{ output: JsonObject; meta: JsonObject }>();
    const former = bus.offer({ ...offer({}, () => slow.promise), plugin_id: "demo/one" });
    const running = bus.call(ask("ext.demo.echo"));
    bus.prepare([named("ext.demo.echo", "2", change)]).flip([former]);
    assert.equal((await bus.call(ask("ext.demo.echo"))).output["version"], "2");
    assert.equal(bus.inFlight(), 1);
    slow.resolve({ output: { version: "1" }, meta: {} });
    assert.equal((await running).output["version"], "1");
    assert.equal(bus.inFlight(), 0);
  }
});

test("an offer that another plugin took meanwhile refuses the whole step", async () => {
  const { bus } = makeBus();
  const former = bus.offer(named("ext.demo.same", "1"));
  const prepared = bus.prepare([named("ext.demo.same", "2"), named("ext.demo.new", "2")]);
  bus.offer({ ...named("ext.demo.new", "x"), plugin_id: "demo/two" });
  assert.throws(() => prepared.flip([former]), { reason: "namespace_violation" });
  assert.equal((await bus.call(ask("ext.demo.same"))).output["version"], "1");
  assert.throws(() => bus.prepare([named("ext.demo.bad", "2", { max_concurrent: 0 })]), { reason: "schema_invalid" });
});

test("a successor with other schemas, bytes or limits is judged by its own, one in the same words as the former one was", async () => {
  const strict = { type: "object", required: ["text"] };
  const { bus } = makeBus();
  const former = [bus.offer(named("ext.demo.echo", "1", { request_schema: strict }))];
  const refused = (): Promise<void> => assert.rejects(bus.call(ask("ext.demo.echo")), { code: "schema_mismatch" });
  await refused();
  const same = bus.prepare([{ ...named("ext.demo.echo", "2", { request_schema: strict }), maxBodyBytes: 77 }]).flip(former);
  await refused();
  assert.equal(bus.limitsOf("ext.demo.echo")?.maxBodyBytes, 77);
  const bytes = bus.prepare([{ ...named("ext.demo.echo", "3", { request_schema: strict }), binary: ["/input/text"] }]).flip(same);
  assert.deepEqual(bus.entries({ name: "ext.demo.echo" })[0]?.binary, ["/input/text"]);
  bus.prepare([named("ext.demo.echo", "4")]).flip(bytes);
  assert.equal((await bus.call(ask("ext.demo.echo"))).output["version"], "4");
});
