import assert from "node:assert/strict";
import test from "node:test";
import type { ImageCall } from "../../src/capabilities/image.ts";
import { Failure } from "../../src/failure.ts";
import { openService, type Service } from "../../src/service.ts";
import { type FakeHost, fakeFiles, fakeHost, pageOf, unreadBytes } from "../support/fake-host.ts";

const picture = unreadBytes(1000);

async function open(config: Record<string, unknown> = {}): Promise<{ host: FakeHost; service: Service }> {
  const host = fakeHost();
  return { host, service: await openService(host, config) };
}

function callOf(change: Partial<ImageCall> = {}): ImageCall {
  return { params: {}, input: {}, picture, files: fakeFiles(), signal: new AbortController().signal, ...change };
}

async function refusal(service: Service, call: ImageCall): Promise<string> {
  try {
    await service.image(call);
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    assert.ok(error.message.length > 20, "says what to do");
    return `${error.code} ${error.reason}`;
  }
  throw new Error("expected a refusal");
}

test("answers with text, boxes, languages and confidence (22 §1)", async () => {
  const { service } = await open();
  assert.deepEqual(await service.image(callOf()), {
    backend: "tesseract",
    output: {
      text: "Hallo",
      blocks: [{ text: "Hallo", bbox: [1, 2, 3, 4], confidence: 0.9, language: "deu" }],
      language: "de",
      languages: ["deu"],
      confidence_mean: 0.9,
    },
  });
});

test("sends the asked languages and preprocessing to the worker, and the bytes unread", async () => {
  const { host, service } = await open({
    default_dpi: 200,
    max_image_pixels: 2_000_000,
    backends: [{ name: "tesseract", min_confidence: 0.2 }],
  });
  await service.image(callOf({ params: { languages: ["eng"] }, input: { preprocess: { denoise: true, dpi: 400 } } }));
  const sent = host.sent.find((work) => work.message.op === "image");
  assert.ok(sent);
  const pre = { denoise: true, dpi: 400 };
  assert.deepEqual(sent.message, {
    op: "image",
    languages: ["eng"],
    pre,
    maxPixels: 2_000_000,
    defaultDpi: 200,
    minConfidence: 0.2,
  });
  assert.equal(sent.bytes[0], picture);
});

test("accepts backend and languages inside input as the Python nodes send them, params first (22 O6)", async () => {
  const { host, service } = await open();
  await service.image(callOf({ input: { languages: ["eng"], backend: "tesseract" } }));
  assert.deepEqual(host.sent.at(-1)?.message.languages, ["eng"]);
  await service.image(callOf({ params: { languages: ["deu"] }, input: { languages: ["eng"] } }));
  assert.deepEqual(host.sent.at(-1)?.message.languages, ["deu"]);
});

test("refuses each faulty request with its own reason (22 §1)", async () => {
  const { service } = await open();
  const image_cid = `blake3:${"0".repeat(64)}`;
  assert.equal(await refusal(service, callOf({ params: { backend: "trocr" } })), "not_found backend_unknown");
  assert.equal(await refusal(service, callOf({ params: { languages: ["fra"] } })), "bad_request language_unsupported");
  assert.equal(await refusal(service, callOf({ picture: undefined })), "bad_request source");
  assert.equal(await refusal(service, callOf({ input: { image_cid } })), "bad_request source");
  assert.equal(await refusal(service, callOf({ picture: unreadBytes(8 * 1024 * 1024 + 1) })), "bad_request too_large");
  const empty = await open();
  empty.host.installed = [];
  assert.equal(await refusal(empty.service, callOf()), "not_implemented model_missing");
});

test("opens a stored picture as the caller may see it, by its size before its bytes (22 §1)", async () => {
  const { host, service } = await open();
  const files = fakeFiles();
  const image_cid = `blake3:${"0".repeat(64)}`;
  const byCid = callOf({ picture: undefined, input: { image_cid }, files });
  await assert.rejects(service.image(byCid), { code: "not_found" });
  files.stored.set(image_cid, { bytes: picture, visibility: "private" });
  await service.image(byCid);
  assert.equal(host.sent.at(-1)?.bytes[0], picture);
  files.stored.set(image_cid, { bytes: unreadBytes(8 * 1024 * 1024 + 1), visibility: "private" });
  files.open = () => Promise.reject(new Error("opened"));
  assert.equal(await refusal(service, byCid), "bad_request too_large");
});

test("warns about a page that was read with little confidence, and still returns it (22 rule 6)", async () => {
  const { host, service } = await open();
  host.answer = () => Promise.resolve(pageOf("H?llo", { confidenceMean: 0.41, scale: 2 }));
  const { output } = await service.image(callOf());
  assert.equal(output.text, "H?llo");
  const hints = ["raise_dpi", "contrast_normalise", "check_language", "turn_upright"];
  assert.deepEqual(output.warnings, [{ code: "low_quality", confidence_mean: 0.41, hints }]);
  host.answer = () => Promise.resolve(pageOf("", { confidenceMean: 0 }));
  const blank = (await service.image(callOf())).output;
  assert.equal(blank.language, null);
  assert.equal(blank.warnings?.[0]?.hints[0], "no_text");
});

test("passes worker errors through unchanged and cancels the worker with the call (22 rule 8)", async () => {
  const { host, service } = await open();
  const crash = Object.assign(new Error("gone"), { code: "internal_error", reason: "worker_crashed" });
  host.answer = () => Promise.reject(crash);
  await assert.rejects(service.image(callOf()), crash);
  const caller = new AbortController();
  host.answer = (work) =>
    new Promise((_, reject) => work.signal?.addEventListener("abort", () => reject(new DOMException("killed", "AbortError"))));
  const call = service.image(callOf({ signal: caller.signal }));
  setImmediate(() => caller.abort());
  await assert.rejects(call, { name: "AbortError" });
});

test("gives up on a page that takes too long and stops its worker (22 §2)", async () => {
  const { host, service } = await open({ page_timeout_seconds: 0.02 });
  host.answer = (work) =>
    new Promise((_, reject) => work.signal?.addEventListener("abort", () => reject(new DOMException("killed", "AbortError"))));
  assert.equal(await refusal(service, callOf()), "timeout page_timeout");
});
