import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import test from "node:test";
import type { PdfDone, PdfFrame } from "../src/capabilities/pdf.ts";
import { Failure } from "../src/failure.ts";
import type { Later } from "../src/health-watch.ts";
import { fieldOf, ReadingDesk, type ReadDocument } from "../src/reading-desk.ts";

const DONE: PdfDone = { pages: 1, stored_cid: null, text_layer_pages: 0, ocr_pages: 1, ms: 1, backend: "tesseract" };

const page = (number: number, text: string): PdfFrame => ({
  event: "page",
  data: { page: number, text, confidence_mean: 0.9, source: "ocr", languages: ["deu"] },
});

interface Scene {
  desk: ReadingDesk;
  /** Nobody has looked for a minute. */
  minute(): void;
  orders: { file: Uint8Array; password?: string; signal: AbortSignal }[];
  give(frame: PdfFrame): Promise<void>;
  end(error?: Error): Promise<void>;
}

function open(): Scene {
  const orders: Scene["orders"] = [];
  let next = Promise.withResolvers<PdfFrame | null>();
  const read: ReadDocument = async function* (order) {
    orders.push(order);
    for (;;) {
      const frame = await next.promise;
      next = Promise.withResolvers();
      if (frame === null) return DONE;
      yield frame;
    }
  };
  const waiting = new Set<() => void>();
  const later: Later = (_delay, work) => {
    waiting.add(work);
    return () => void waiting.delete(work);
  };
  return {
    desk: new ReadingDesk(read, later),
    minute: () => [...waiting].forEach((work) => work()),
    orders,
    async give(frame) {
      next.resolve(frame);
      await setImmediate();
    },
    async end(error) {
      if (error === undefined) next.resolve(null);
      else next.reject(error);
      await setImmediate();
    },
  };
}

function reasonOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof Failure && error.message.length > 20);
    return `${error.code} ${error.reason}`;
  }
  return "done";
}

function laid(scene: Scene, bytes = new Uint8Array([1, 2, 3])): string {
  const id = scene.desk.lay(bytes.length);
  assert.equal(scene.desk.add(id, { at: 0, data: bytes }), bytes.length);
  return id;
}

test("a document comes in pieces, is read, and its pages are seen as they come", async () => {
  const scene = open();
  const { desk, orders } = scene;
  const id = desk.lay(3);
  assert.equal(
    reasonOf(() => desk.start(id, undefined)),
    "bad_request source",
    "not whole yet",
  );
  desk.add(id, { at: 0, data: new Uint8Array([1, 2]) });
  desk.add(id, { at: 2, data: new Uint8Array([3]) });
  desk.start(id, undefined);
  await scene.give({ event: "progress", data: { current: 1, total: 2, stage: "ocr", page: 1 } });
  await scene.give(page(1, "eins"));
  assert.deepEqual([...(orders[0]?.file ?? [])], [1, 2, 3]);
  const seen = { page: 1, text: "eins", source: "ocr", confidence: 0.9 };
  assert.deepEqual(desk.look(id, 0), { pages: [seen], total: 2, current: 1, stage: "ocr", state: "reading", refusal: null });
  assert.deepEqual(desk.look(id, 1).pages, []);
  await scene.give(page(2, "zwei"));
  await scene.end();
  const last = desk.look(id, 1);
  assert.deepEqual([last.state, last.pages.map(({ text }) => text)], ["done", ["zwei"]]);
});

test("pieces that do not fit are refused, as is too much", () => {
  const { desk } = open();
  const id = desk.lay(3);
  assert.equal(
    reasonOf(() => desk.add(id, { at: 1, data: new Uint8Array(1) })),
    "bad_request source",
  );
  assert.equal(
    reasonOf(() => desk.add(id, { at: 0, data: new Uint8Array(4) })),
    "bad_request source",
  );
  assert.equal(
    reasonOf(() => desk.add("another", { at: 0, data: new Uint8Array(1) })),
    "not_found source",
  );
  for (const size of [0, -1, 1.5, 8 * 1024 * 1024 + 1, Number.NaN])
    assert.equal(
      reasonOf(() => desk.lay(size)),
      "bad_request too_large",
    );
  desk.lay(1);
  assert.equal(
    reasonOf(() => desk.lay(1)),
    "capacity_exceeded slots_full",
  );
});

test("one look brings as much as passes to a panel, the rest comes with the next", async () => {
  const scene = open();
  const id = laid(scene);
  scene.desk.start(id, undefined);
  const long = "ü".repeat(30_000);
  await scene.give(page(1, long));
  await scene.give(page(2, "kurz"));
  await scene.end();
  let text = "";
  let from = 0;
  for (let looks = 0; ; looks++) {
    const seen = scene.desk.look(id, from);
    assert.ok(Buffer.byteLength(JSON.stringify(seen)) < 64 * 1024);
    from += seen.pages.length;
    text += seen.pages.map((piece) => piece.text).join("");
    if (seen.state === "done") break;
    assert.ok(looks < 10, "comes to an end");
  }
  assert.equal(text, `${long}kurz`);
});

test("what is stopped, or looked at no more, is ended and forgotten", async () => {
  for (const leave of [(scene: Scene, id: string) => scene.desk.stop(id), (scene: Scene) => scene.minute()]) {
    const scene = open();
    const id = laid(scene);
    scene.desk.start(id, undefined);
    scene.desk.look(id, 0);
    assert.equal(scene.orders[0]?.signal.aborted, false);
    leave(scene, id);
    assert.equal(scene.orders[0]?.signal.aborted, true);
    assert.equal(
      reasonOf(() => scene.desk.look(id, 0)),
      "not_found source",
    );
  }
});

test("a refusal is shown in the plugin's words, and a locked document can be tried again", async () => {
  const scene = open();
  const id = laid(scene);
  scene.desk.start(id, undefined);
  await scene.end(new Failure("bad_request", { reason: "pdf_encrypted", message: "protected" }));
  const { state, refusal } = scene.desk.look(id, 0);
  assert.deepEqual([state, refusal], ["refused", { reason: "pdf_encrypted", message: "protected" }]);
  scene.desk.start(id, "geheim");
  assert.equal(scene.orders[1]?.password, "geheim");
  assert.equal(scene.desk.look(id, 0).refusal, null);
});

test("fields that the page did not send are missed by name", () => {
  assert.equal(fieldOf({ id: "x" }, "id", "string"), "x");
  for (const input of [null, [], "id", { id: 1 }, {}])
    assert.equal(
      reasonOf(() => fieldOf(input, "id", "string")),
      "bad_request source",
    );
});
