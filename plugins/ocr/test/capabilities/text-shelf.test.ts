import assert from "node:assert/strict";
import test from "node:test";
import type { PdfCall, PdfDone } from "../../src/capabilities/pdf.ts";
import { optionsHash } from "../../src/capabilities/text-shelf.ts";
import { openService } from "../../src/service.ts";
import { playDocument } from "../support/fake-document.ts";
import { fakeFiles, fakeHost, pageOf, unreadBytes, type FakeFiles, type FakeHost } from "../support/fake-host.ts";

const CID = `blake3:${"d".repeat(64)}`;

interface Scene {
  host: FakeHost;
  files: FakeFiles;
  store(change?: Partial<PdfCall["input"]>, config?: Record<string, unknown>): Promise<PdfDone>;
  /** Pages drawn and read so far. */
  reads(): number;
}

function sceneWith(visibility: "private" | "community" | "public"): Scene {
  const host = fakeHost();
  const files = fakeFiles();
  playDocument(host, ["Straße 7", { read: pageOf("Gelesen") }]);
  files.stored.set(CID, { bytes: unreadBytes(1000), visibility });
  return {
    host,
    files,
    async store(change = {}, config = {}) {
      const service = await openService(host, config);
      const input = { doc_cid: CID, store_text: true, ...change };
      const signal = new AbortController().signal;
      const pages = service.pdf({ id: "01J", params: {}, input, file: undefined, files, signal, elapsedMs: () => 0 });
      for (;;) {
        const next = await pages.next();
        if (next.done === true) return next.value;
      }
    },
    reads: () => host.sent.filter(({ message }) => message.op === "pdf.read").length,
  };
}

test("stores pages as one text, with a list of where each begins, as visible as the document (22 rule 9)", async () => {
  for (const visibility of ["private", "community", "public"] as const) {
    const { files, store } = sceneWith(visibility);
    const { stored_cid } = await store();
    const stored = files.stored.get(stored_cid ?? "");
    assert.equal(await stored?.bytes.text(), "Straße 7\fGelesen");
    assert.equal(stored?.visibility, visibility);
    assert.deepEqual(stored?.meta, {
      pages: [
        { page: 1, offset: 0, length: 8, confidence_mean: 1, source: "text_layer", languages: [] },
        { page: 2, offset: 9, length: 7, confidence_mean: 0.9, source: "ocr", languages: ["deu"] },
      ],
    });
  }
});

test("the same document with the same options is not read again, and has the same text (22 rule 9)", async () => {
  const { store, reads } = sceneWith("community");
  const first = await store();
  const second = await store({ languages: ["auto"] });
  assert.deepEqual(second, first);
  assert.equal(reads(), 1);
});

test("other options are read for themselves (22 rule 9)", async () => {
  const { store, reads } = sceneWith("community");
  const others: [Partial<PdfCall["input"]>, Record<string, unknown>][] = [
    [{}, {}],
    [{ languages: ["eng"] }, {}],
    [{ force_ocr: true }, {}],
    [{ pages: [2] }, {}],
    [{ preprocess: { denoise: true } }, {}],
    [{}, { default_dpi: 200 }],
    [{}, { backends: [{ name: "tesseract", min_confidence: 0.9 }] }],
  ];
  let before = 0;
  for (const [change, config] of others) {
    await store(change, config);
    assert.ok(reads() > before, JSON.stringify([change, config]));
    before = reads();
  }
});

test("a text that is gone, or not this caller's to see, is read anew (22 rule 9)", async () => {
  const { files, store, reads } = sceneWith("community");
  const { stored_cid } = await store();
  files.stored.delete(stored_cid ?? "");
  assert.equal((await store()).stored_cid, stored_cid);
  assert.equal(reads(), 2);
});

test("tells the community's log of a text, once, and never of a private one (22 rule 10, O4)", async () => {
  const { host, store } = sceneWith("community");
  const { stored_cid } = await store();
  await store();
  assert.deepEqual(host.appended.length, 1);
  const [event] = host.appended;
  const { backend_version, options_hash, ...data } = { ...event?.data } as Record<string, unknown>;
  assert.deepEqual(data, { doc_cid: CID, text_cid: stored_cid, pages: 2, languages: ["deu"], ocr_backend: "tesseract" });
  assert.match(String(backend_version), /^tesseract\.js-core\/\d.* pdfium\/\d.* ocr\/\d/);
  assert.match(String(options_hash), /^[0-9a-f]{64}$/);
  assert.deepEqual([event?.type, event?.clientId], ["ocr.document.indexed", "01J"]);
  const hidden = sceneWith("private");
  await hidden.store();
  assert.deepEqual(hidden.host.appended, []);
});

test("a log that cannot be written to costs nobody the text", async () => {
  const { host, store } = sceneWith("public");
  host.logFault = Object.assign(new Error("no community"), { code: "not_found", reason: "no_community" });
  assert.match((await store()).stored_cid ?? "", /^blake3:/);
  assert.equal(host.warnings.length, 1);
});

test("nothing is stored unless it is asked for", async () => {
  const { host, files, store } = sceneWith("community");
  assert.equal((await store({ store_text: false })).stored_cid, null);
  assert.deepEqual([files.stored.size, host.appended.length, host.notes.size], [1, 0, 0]);
});

test("options have one hash, in whatever order they are named", () => {
  assert.equal(optionsHash({ a: 1, b: { c: [1, 2], d: null } }), optionsHash({ b: { d: null, c: [1, 2] }, a: 1 }));
  assert.notEqual(optionsHash({ a: [1, 2] }), optionsHash({ a: [2, 1] }));
});
