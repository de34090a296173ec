import assert from "node:assert/strict";
import test from "node:test";
import { setImmediate } from "node:timers/promises";
import { openService } from "../src/service.ts";
import { fakeHost, unreadBytes } from "./support/fake-host.ts";

const call = { params: {}, input: {}, picture: unreadBytes(10), signal: new AbortController().signal };

test("registers one capability for the backend, with what it can do (22 §1)", async () => {
  const host = fakeHost();
  await openService(host, {});
  const params = {
    backend: "tesseract",
    languages_supported: ["deu", "eng"],
    supports_handwriting: false,
    max_image_pixels: 50_000_000,
    requires_internet: false,
  };
  assert.deepEqual(host.registered, [{ ref: "ocr.image@1.0", params, maxConcurrent: 4 }]);
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
  assert.equal(host.registered.length, 1);
  assert.equal(host.registered[0]?.params["max_image_pixels"], 3_000_000);
  await service.configure({ enabled: false });
  assert.deepEqual(host.registered, []);
  await assert.rejects(service.image(call), { code: "not_implemented", reason: "backend_unknown" });
});

test("reports itself ill after three failures of the engine in a row, and well after a success (22 rule 12)", async () => {
  const host = fakeHost();
  const service = await openService(host, {});
  const good = host.answer;
  host.answer = () => Promise.reject(Object.assign(new Error("gone"), { code: "internal_error" }));
  for (let i = 0; i < 3; i++) await assert.rejects(service.image(call));
  assert.deepEqual(
    host.reports.map((report) => report.ok),
    [true, true, false],
  );
  host.answer = good;
  await service.image(call);
  assert.equal(host.reports.at(-1)?.ok, true);
});

test("faults of callers never make the backend ill", async () => {
  const host = fakeHost();
  const service = await openService(host, {});
  host.answer = () => Promise.reject(Object.assign(new Error("no picture"), { code: "bad_request", reason: "decode_failed" }));
  for (let i = 0; i < 5; i++) await assert.rejects(service.image(call));
  assert.ok(host.reports.every((report) => report.ok));
});
