import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Later } from "../src/health-watch.ts";
import { openService } from "../src/service.ts";
import { fakeFiles, fakeHost, unreadBytes } from "./support/fake-host.ts";

const call = { params: {}, input: {}, picture: unreadBytes(10), files: fakeFiles(), signal: new AbortController().signal };

test("registers both capabilities for the backend, with what it can do (22 §1)", async () => {
  const host = fakeHost();
  await openService(host, {});
  const params = {
    backend: "tesseract",
    languages_supported: ["deu", "eng"],
    supports_handwriting: false,
    max_image_pixels: 50_000_000,
    requires_internet: false,
  };
  assert.deepEqual(host.registered, [
    { ref: "ocr.image@1.0", params, maxConcurrent: 4 },
    { ref: "ocr.pdf@1.0", params, maxConcurrent: 2 },
  ]);
  await setImmediate();
  assert.deepEqual(
    host.sent.map((work) => work.message),
    [{ op: "warm", languages: ["deu", "eng"] }],
  );
});

test("offers only languages that are both configured and installed", async () => {
  const host = fakeHost();
  host.installed = ["eng", "fra"];
  await openService(host, { backends: [{ name: "tesseract", languages: ["deu", "eng"] }] });
  assert.deepEqual(host.registered[0]?.params["languages_supported"], ["eng"]);
});

test("new settings take effect without a restart; switched off, it withdraws and says so", async () => {
  const host = fakeHost();
  const service = await openService(host, {});
  await service.configure({ max_image_pixels: 3_000_000 });
  assert.equal(host.registered.length, 2);
  assert.equal(host.registered[0]?.params["max_image_pixels"], 3_000_000);
  await service.configure({ enabled: false });
  assert.deepEqual(host.registered, []);
  await assert.rejects(service.image(call), { code: "not_found", reason: "backend_unknown" });
});

/** Time that stands still until it is moved. */
function manualTime(): { later: Later; waiting: { delayMs: number; work: () => void }[] } {
  const waiting: { delayMs: number; work: () => void }[] = [];
  const later: Later = (delayMs, work) => {
    const entry = { delayMs, work };
    waiting.push(entry);
    return () => void waiting.splice(waiting.indexOf(entry), 1);
  };
  return { later, waiting };
}

const gone = Object.assign(new Error("gone"), { code: "internal_error" });

test("a picture that brings the engine down does not make the backend ill: a fresh worker is tried at once", async () => {
  const host = fakeHost();
  const { later, waiting } = manualTime();
  const service = await openService(host, {}, later);
  host.answer = () => Promise.reject(gone);
  await assert.rejects(service.image(call));
  await setImmediate();
  assert.deepEqual(host.reports, [{ ok: true }]);
  assert.equal(waiting.length, 0);
});

test("an engine that does not start is reported every 30 seconds until it is well (22 rule 12)", async () => {
  const host = fakeHost();
  const { later, waiting } = manualTime();
  const service = await openService(host, {}, later);
  await setImmediate();
  host.answer = () => Promise.reject(gone);
  host.warmUp = () => Promise.reject(gone);
  await assert.rejects(service.image(call));
  await assert.rejects(service.image(call));
  for (let i = 0; i < 2; i++) {
    await setImmediate();
    assert.deepEqual(
      waiting.map((entry) => entry.delayMs),
      [30_000],
    );
    waiting.shift()?.work();
  }
  await setImmediate();
  assert.deepEqual(
    host.reports.map((report) => report.ok),
    [false, false, false],
  );
  host.warmUp = () => Promise.resolve(null);
  waiting.shift()?.work();
  await setImmediate();
  assert.deepEqual([host.reports.at(-1)?.ok, waiting.length], [true, 0]);
});

test("new settings end a running watch", async () => {
  const host = fakeHost();
  const { later, waiting } = manualTime();
  const service = await openService(host, {}, later);
  host.answer = () => Promise.reject(gone);
  host.warmUp = () => Promise.reject(gone);
  await assert.rejects(service.image(call));
  await setImmediate();
  assert.equal(waiting.length, 1);
  await service.configure({});
  assert.equal(waiting.length, 0);
});

test("faults of callers never make the backend ill", async () => {
  const host = fakeHost();
  const service = await openService(host, {});
  host.answer = () => Promise.reject(Object.assign(new Error("no picture"), { code: "bad_request", reason: "decode_failed" }));
  for (let i = 0; i < 5; i++) await assert.rejects(service.image(call));
  assert.deepEqual(host.reports, []);
});
