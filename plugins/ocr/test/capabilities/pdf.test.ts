import assert from "node:assert/strict";
import test from "node:test";
import type { PdfCall, PdfDone, PdfFrame } from "../../src/capabilities/pdf.ts";
import { Failure } from "../../src/failure.ts";
import { openService, type Service } from "../../src/service.ts";
import { playDocument, type FakePage } from "../support/fake-document.ts";
import { fakeFiles, fakeHost, pageOf, unreadBytes, type FakeHost } from "../support/fake-host.ts";

const CID = `blake3:${"d".repeat(64)}`;
const SCAN: FakePage = { read: pageOf("Gelesen") };
const MIB = 1024 * 1024;

async function open(config: Record<string, unknown> = {}): Promise<{ host: FakeHost; service: Service }> {
  const host = fakeHost();
  return { host, service: await openService(host, config) };
}

function callOf(change: Partial<PdfCall> = {}): PdfCall {
  const signal = new AbortController().signal;
  return { id: "01J", params: {}, input: {}, file: unreadBytes(1000), files: fakeFiles(), signal, elapsedMs: () => 7, ...change };
}

async function read(service: Service, call: PdfCall): Promise<{ frames: PdfFrame[]; done: PdfDone }> {
  const frames: PdfFrame[] = [];
  const pages = service.pdf(call);
  for (;;) {
    const next = await pages.next();
    if (next.done === true) return { frames, done: next.value };
    frames.push(next.value);
  }
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    assert.ok(error.message.length > 20, "says what to do");
    return `${error.code} ${error.reason}`;
  }
  throw new Error("expected a refusal");
}

const asked = (host: FakeHost, op: string): Record<string, unknown>[] =>
  host.sent.filter(({ message }) => message.op === op).map(({ message }) => message);

test("sends pages as they are read, with what is being done before each (22 §1)", async () => {
  const { host, service } = await open();
  playDocument(host, ["Digital", SCAN]);
  const { frames, done } = await read(service, callOf());
  assert.deepEqual(frames, [
    { event: "progress", data: { current: 0, total: 0, stage: "open" } },
    { event: "progress", data: { current: 1, total: 2, stage: "text_layer", page: 1 } },
    { event: "page", data: { page: 1, text: "Digital", confidence_mean: 1, source: "text_layer", languages: [] } },
    { event: "progress", data: { current: 2, total: 2, stage: "render", page: 2 } },
    { event: "progress", data: { current: 2, total: 2, stage: "ocr", page: 2 } },
    { event: "page", data: { page: 2, text: "Gelesen", confidence_mean: 0.9, source: "ocr", languages: ["deu"] } },
  ]);
  assert.deepEqual(done, { pages: 2, stored_cid: null, text_layer_pages: 1, ocr_pages: 1, ms: 7, backend: "tesseract" });
});

test("reads pages only as their frames are taken, one after the other (22 rule 8)", async () => {
  const { host, service } = await open();
  playDocument(host, [SCAN, SCAN, SCAN]);
  const pages = service.pdf(callOf());
  for (let next = await pages.next(); next.done !== true && next.value.event !== "page";) next = await pages.next();
  assert.equal(asked(host, "pdf.read").length, 1);
  await pages.return(undefined as never);
  assert.equal(asked(host, "pdf.read").length, 1);
});

test("says that a page is read only once it is drawn, and whoever leaves then leaves nothing running (22 §1, rule 8)", async () => {
  const { host, service } = await open();
  playDocument(host, [SCAN]);
  const { answer } = host;
  let draw: () => void = () => {};
  host.answer = (work) => {
    if (work.message.op !== "pdf.read") return answer(work);
    draw = work.onDrawn;
    return new Promise((_, reject) => work.signal?.addEventListener("abort", () => reject(work.signal?.reason as Error)));
  };
  const pages = service.pdf(callOf());
  const stage = async (): Promise<unknown> => ((await pages.next()).value as { data: { stage?: string } }).data.stage;
  assert.deepEqual([await stage(), await stage()], ["open", "render"]);
  let next: unknown;
  const reading = stage().then((found) => (next = found));
  await new Promise(setImmediate);
  assert.equal(next, undefined, "still being drawn");
  draw();
  await reading;
  assert.equal(next, "ocr");
  await pages.return(undefined as never);
  assert.equal(host.sent.at(-1)?.signal?.aborted, true);
});

test("a page that cannot be drawn is never said to be read", async () => {
  const { host, service } = await open();
  playDocument(host, [SCAN]);
  const { answer } = host;
  host.answer = (work) =>
    work.message.op === "pdf.read"
      ? Promise.reject(Object.assign(new Error("too large"), { code: "bad_request" }))
      : answer(work);
  const stages: unknown[] = [];
  await assert.rejects(async () => {
    for await (const { data } of service.pdf(callOf())) stages.push((data as { stage?: string }).stage);
  });
  assert.deepEqual(stages, ["open", "render"]);
});

test("draws every page when it is told to, by the caller or the settings (22 rule 1)", async () => {
  const cases: [config: Record<string, unknown>, input: PdfCall["input"]][] = [
    [{}, { force_ocr: true }],
    [{ text_layer_first: false }, {}],
  ];
  for (const [config, input] of cases) {
    const { host, service } = await open(config);
    playDocument(host, ["Digital", "Digital"]);
    const { done } = await read(service, callOf({ input }));
    assert.deepEqual([done.text_layer_pages, done.ocr_pages, asked(host, "pdf.layers").length], [0, 2, 0]);
  }
});

test("asks for layouts in small parts, so that the first page does not wait for the last", async () => {
  const { host, service } = await open();
  playDocument(
    host,
    Array.from({ length: 40 }, (_, n) => `Seite ${n + 1}`),
  );
  await read(service, callOf());
  assert.deepEqual(
    asked(host, "pdf.layers").map((message) => (message["pages"] as number[]).length),
    [8, 8, 8, 8, 8],
  );
});

test("sends the document once to a worker that keeps it, and again to one that has it not", async () => {
  for (const forgets of [false, true]) {
    const { host, service } = await open();
    playDocument(host, [SCAN, SCAN], { forgets });
    await read(service, callOf());
    const pages = host.sent.filter(({ message }) => message.op !== "warm");
    assert.equal(pages.filter(({ bytes }) => bytes.length > 0).length, forgets ? 4 : 1);
    assert.equal(new Set(pages.map(({ message }) => message["key"])).size, 1, "one key a call");
  }
});

test("cuts a large document into parts that pass through the worker's door", async () => {
  const { host, service } = await open();
  playDocument(host, ["Digital"]);
  const files = fakeFiles();
  const bytes = new Uint8Array(20 * MIB);
  files.stored.set(CID, { bytes: { ...unreadBytes(bytes.length), bytes: async () => bytes }, visibility: "private" });
  await read(service, callOf({ file: undefined, input: { doc_cid: CID }, files }));
  const sent = host.sent.find(({ message }) => message.op === "pdf.open")?.bytes ?? [];
  assert.deepEqual(
    sent.map((part) => (part instanceof Uint8Array ? part.length / MIB : null)),
    [8, 8, 4],
  );
});

test("passes options on: resolution, preprocessing, password, languages wherever they stand (22 O6)", async () => {
  const { host, service } = await open({ default_dpi: 200 });
  playDocument(host, [SCAN]);
  await read(service, callOf({ input: { languages: ["eng"], backend: "tesseract", password: "geheim" } }));
  await read(
    service,
    callOf({ params: { languages: ["deu"] }, input: { languages: ["eng"], preprocess: { dpi: 400, denoise: true } } }),
  );
  const [first, second] = asked(host, "pdf.read");
  assert.deepEqual([first?.["dpi"], first?.["languages"], first?.["password"]], [200, ["eng"], "geheim"]);
  assert.deepEqual([second?.["dpi"], second?.["languages"], second?.["pre"]], [400, ["deu"], { dpi: 400, denoise: true }]);
  assert.equal(second !== undefined && "password" in second, false);
});

test("understands a stored document under the name that Python nodes use (22 O6)", async () => {
  const { host, service } = await open();
  playDocument(host, ["Digital"]);
  const files = fakeFiles();
  files.stored.set(CID, { bytes: unreadBytes(1000), visibility: "private" });
  assert.equal((await read(service, callOf({ file: undefined, input: { pdf_cid: CID }, files }))).done.pages, 1);
});

test("warns before a page that was read with little confidence, and sends it all the same (22 rule 6)", async () => {
  const { host, service } = await open();
  playDocument(host, [{ read: pageOf("Ge?esen", { confidenceMean: 0.41, scale: 2 }) }]);
  const { frames } = await read(service, callOf());
  const hints = ["raise_dpi", "contrast_normalise", "check_language", "turn_upright"];
  assert.deepEqual(frames.at(-2), { event: "warning", data: { page: 1, code: "low_quality", confidence_mean: 0.41, hints } });
  assert.equal(frames.at(-1)?.event, "page");
});

test("refuses each faulty request with its own reason (22 §1)", async () => {
  const { host, service } = await open({ max_pages_per_request: 2 });
  playDocument(host, ["1", "2", "3"]);
  const files = fakeFiles();
  files.stored.set(CID, { bytes: unreadBytes(49 * MIB), visibility: "private" });
  const stored = { file: undefined, files };
  const cases: [Partial<PdfCall>, string][] = [
    [{ params: { backend: "trocr" } }, "not_found backend_unknown"],
    [{ params: { languages: ["fra"] } }, "bad_request language_unsupported"],
    [{ file: undefined }, "bad_request source"],
    [{ input: { doc_cid: CID }, files }, "bad_request source"],
    [{ file: unreadBytes(8 * MIB + 1) }, "bad_request too_large"],
    [{ ...stored, input: { doc_cid: CID } }, "bad_request too_large"],
    [{}, "bad_request too_many_pages"],
    [{ input: { page_range: [2, 4] } }, "bad_request page_out_of_range"],
  ];
  for (const [change, wanted] of cases) assert.equal(await refusal(read(service, callOf(change))), wanted);
  assert.equal((await read(service, callOf({ input: { page_range: [1, 2] } }))).done.more_from, 3);
});

test("gives up on a page that takes too long and stops its worker (22 §2)", async () => {
  const { host, service } = await open({ page_timeout_seconds: 0.02 });
  playDocument(host, [SCAN]);
  const { answer } = host;
  host.answer = (work) =>
    work.message.op === "pdf.read"
      ? new Promise((_, reject) => work.signal?.addEventListener("abort", () => reject(new DOMException("killed", "AbortError"))))
      : answer(work);
  assert.equal(await refusal(read(service, callOf())), "timeout page_timeout");
});

test("a worker that dies on a document is looked after as one that dies on a picture (22 rule 12)", async () => {
  const { host, service } = await open();
  host.answer = () => Promise.reject(Object.assign(new Error("gone"), { code: "internal_error", reason: "worker_crashed" }));
  await assert.rejects(read(service, callOf()), { reason: "worker_crashed" });
  await new Promise(setImmediate);
  assert.deepEqual(host.reports, [{ ok: true }]);
});
