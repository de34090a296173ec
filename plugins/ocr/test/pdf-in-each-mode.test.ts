/** Documents under the real host: in this process and in its sandbox, with a real file store beside it. @source 22 §7, plugin-platform §4.7 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Frame, JsonObject } from "@hearthnet/sdk-plugin";
import { createTestHost, modes, runContract, type StreamAs, type TestHost } from "@hearthnet/sdk-plugin/testing";
import { until } from "../../../host/test/support/until.ts";
import {
  digitalPdf,
  HARMFUL_PDFS,
  lockedPdf,
  mixedPdf,
  PDF_PASSWORD,
  scannedPdf,
  shortPagesPdf,
} from "../../../test/fixtures/pdf-documents.ts";
import { characterErrorRate } from "../../../test/support/ocr-accuracy.ts";

const PDF = "ocr.pdf@1.0";
/** The full measure takes minutes. */
const FORCED_FULL = Number(process.env["HN_PDF_PAGES"] ?? 0);
const FULL = FORCED_FULL > 0;
const SHELF = join(import.meta.dirname, "../../../test/fixtures/plugins/shelf");

interface Read {
  frames: Frame[];
  pages: { page: number; text: string; source: string; confidence_mean: number }[];
  done: JsonObject;
}

async function read(host: TestHost, input: object, o: StreamAs = {}): Promise<Read> {
  const frames: Frame[] = [];
  const stream = host.stream(PDF, { params: { languages: ["deu", "eng"] }, input }, { as: "trusted", ...o });
  for (;;) {
    const next = await stream.next();
    if (next.done !== true) frames.push(next.value);
    else
      return {
        frames,
        pages: frames.filter(({ event }) => event === "page").map(({ data }) => data as never),
        done: next.value,
      };
  }
}

for (const { mode, skip } of modes())
  describe(`documents, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: join(import.meta.dirname, ".."), mode, beside: [SHELF] });
    });
    after(() => host.close());

    const onShelf = (cid: unknown): Promise<Shelved> => lookOnShelf(host, cid);
    const shelved = async (data: Buffer, visibility: string): Promise<string> =>
      (await host.call("ext.dev.shelf.put@1.0", { input: { data, visibility } })).output["cid"] as string;

    it("takes the text that a document brings along and draws none of its pages (22 rule 1)", async () => {
      const { pdf, truth } = digitalPdf(40);
      const { pages, done } = await read(host, { pdf_b64: pdf });
      assert.deepEqual([done["pages"], done["text_layer_pages"], done["ocr_pages"]], [40, 40, 0]);
      for (const [index, wanted] of truth.entries()) {
        assert.equal(characterErrorRate(wanted, pages[index]?.text ?? ""), 0, `page ${index + 1}`);
        assert.deepEqual([pages[index]?.source, pages[index]?.confidence_mean], ["text_layer", 1]);
      }
    });

    it("reads exactly the pages that are scans, and stores all as one text that says where each begins (22 rule 9)", async () => {
      const { pdf, truth, scanned } = await mixedPdf(FULL ? { digital: 10, scans: 2 } : { digital: 3, scans: 1 });
      const doc_cid = await shelved(pdf, "community");
      const first = await read(host, { doc_cid, store_text: true });
      assert.deepEqual(
        first.pages.filter(({ source }) => source === "ocr").map(({ page }) => page),
        scanned,
      );
      for (const [index, wanted] of truth.entries()) {
        const error = characterErrorRate(wanted, first.pages[index]?.text ?? "");
        assert.ok(error < 2, `page ${index + 1}: ${error.toFixed(2)} % wrong`);
      }
      const steps = first.pages.flatMap(({ source }) => (source === "ocr" ? ["render", "ocr"] : ["text_layer"]));
      assert.deepEqual(stages(first), ["open", ...steps, "store"]);
      assert.equal(first.done["ocr_pages"], scanned.length);
      const { data, stat } = await onShelf(first.done["stored_cid"]);
      assert.equal(data, first.pages.map(({ text }) => text).join("\f"));
      assert.equal(stat.visibility, "community");
      assert.equal(stat.mime, "text/plain");
      for (const [index, { offset, length, ...row }] of stat.meta.pages.entries()) {
        assert.equal(data.slice(offset, offset + length), first.pages[index]?.text);
        assert.equal(row.source, first.pages[index]?.source);
      }
      const second = await read(host, { doc_cid, store_text: true });
      assert.deepEqual(second.pages, first.pages);
      assert.deepEqual({ ...second.done, ms: 0 }, { ...first.done, ms: 0 });
      assert.deepEqual(stages(second), ["open"], "nothing is read again");
    });

    it("reads every page from its picture when it is told to (22 §7)", async () => {
      const { pdf, truth } = digitalPdf(FULL ? FORCED_FULL : 1);
      const { pages, done } = await read(host, { pdf_b64: pdf, force_ocr: true });
      assert.deepEqual([done["pages"], done["text_layer_pages"], done["ocr_pages"]], [truth.length, 0, truth.length]);
      for (const [index, wanted] of truth.entries())
        assert.ok(characterErrorRate(wanted, pages[index]?.text ?? "") < 1, `page ${index + 1}`);
    });

    it("refuses what it cannot open with a reason that helps, and goes on reading (22 §1, §7)", async () => {
      const { pdf: locked, truth } = lockedPdf();
      const whole = digitalPdf(1).pdf;
      const { pixels, poster, inflates } = HARMFUL_PDFS;
      const absent = `blake3:${"0".repeat(64)}`;
      const cases: [string, object, string][] = [
        ["no password", { pdf_b64: locked }, "bad_request pdf_encrypted"],
        ["wrong password", { pdf_b64: locked, password: "falsch" }, "bad_request pdf_encrypted"],
        [
          "renamed program",
          { pdf_b64: Buffer.concat([Buffer.from("MZ"), Buffer.alloc(2000, 0x90)]) },
          "bad_request decode_failed",
        ],
        ["cut off", { pdf_b64: whole.subarray(0, 300) }, "bad_request decode_failed"],
        ["400 million pixels", { pdf_b64: pixels(), force_ocr: true }, "bad_request too_large"],
        ["five metres", { pdf_b64: poster(), force_ocr: true }, "bad_request too_large"],
        ["700 MB of commands", { pdf_b64: inflates() }, "capacity_exceeded memory"],
        ["9 MiB", { pdf_b64: Buffer.alloc(9 * 1024 * 1024, "%PDF-") }, "bad_request too_large"],
        ["51 pages", { pdf_b64: shortPagesPdf(51) }, "bad_request too_many_pages"],
        ["page 2 of 1", { pdf_b64: whole, pages: [2] }, "bad_request page_out_of_range"],
        ["nothing", {}, "bad_request source"],
        ["both", { pdf_b64: whole, doc_cid: absent }, "bad_request source"],
        ["not stored", { doc_cid: absent }, "not_found null"],
      ];
      for (const [name, input, wanted] of cases) assert.equal(await refusal(() => read(host, input)), wanted, name);
      const { pages } = await read(host, { pdf_b64: locked, password: PDF_PASSWORD });
      assert.equal(characterErrorRate(truth[0] ?? "", pages[0]?.text ?? ""), 0);
      assert.equal(host.status().state, "active");
    });

    it("reads a long document in parts, and says where the next begins (22 rule 7)", async () => {
      const pdf_b64 = shortPagesPdf(51);
      const first = await read(host, { pdf_b64, page_range: [1, 50] });
      assert.deepEqual([first.done["pages"], first.done["more_from"]], [50, 51]);
      const rest = await read(host, { pdf_b64, page_range: [51, 51] });
      assert.deepEqual([rest.pages.map(({ page }) => page), rest.done["more_from"]], [[51], undefined]);
    });

    it("is not for members who are not trusted, nor are others' private files (22 §1, O5)", async () => {
      assert.equal(await refusal(() => read(host, { pdf_b64: digitalPdf(1).pdf }, { as: "member" })), "unauthorized null");
      const doc_cid = await shelved(digitalPdf(1).pdf, "private");
      assert.equal(await refusal(() => read(host, { doc_cid })), "not_found null");
      const { done } = await read(host, { doc_cid, store_text: true }, { as: "self" });
      assert.equal((await onShelf(done["stored_cid"])).stat.visibility, "private");
    });

    it("ends its worker and stores nothing when the caller leaves in the middle of a page (22 rule 8)", async (t) => {
      const doc_cid = await shelved((await scannedPdf(2)).pdf, "community");
      const { files } = await onShelf(doc_cid);
      const stream = host.stream(PDF, { input: { doc_cid, store_text: true } }, { as: "trusted" });
      for await (const { data } of { [Symbol.asyncIterator]: () => ({ next: () => stream.next() }) })
        if (data["stage"] === "ocr") break;
      const next = stream.next();
      next.catch(() => {});
      const [worker] = host.workers();
      assert.ok(worker);
      const tree = processesOf(worker.pid);
      const from = performance.now();
      await stream.cancel();
      const let_go = performance.now() - from;
      await until("no process of it is left", () => tree.every(isOver));
      t.diagnostic(`let go after ${let_go.toFixed(0)} ms, nothing runs after ${(performance.now() - from).toFixed(0)} ms`);
      assert.equal(
        host.logs().some(({ message }) => message.includes("did not end a cancelled call")),
        false,
      );
      assert.equal((await onShelf(doc_cid)).files, files, "no file more than before");
      assert.equal((await read(host, { pdf_b64: digitalPdf(1).pdf })).done["pages"], 1);
    });

    // Five seconds: once is enough.
    if (mode === "confined")
      it("gives up on a page that would take hours (22 §2)", async () => {
        await host.configure({ page_timeout_seconds: 5 });
        assert.equal(await refusal(() => read(host, { pdf_b64: HARMFUL_PDFS.toils(), force_ocr: true })), "timeout page_timeout");
        await host.configure({});
        assert.equal((await read(host, { pdf_b64: digitalPdf(1).pdf })).done["pages"], 1);
      });

    it("keeps what every plugin promises", async () => {
      const inputs = { [PDF]: { input: { pdf_b64: digitalPdf(2).pdf, store_text: true } } };
      assert.deepEqual(
        (await runContract(host, { inputs })).filter(({ kept }) => !kept),
        [],
      );
    });
  });

interface Shelved {
  data: string;
  stat: { visibility: string; mime: string; meta: { pages: { offset: number; length: number; source: string }[] } };
  files: number;
}

async function lookOnShelf(host: TestHost, cid: unknown): Promise<Shelved> {
  const { output } = await host.call("ext.dev.shelf.get@1.0", { input: { cid } });
  return { ...(output as unknown as Shelved), data: Buffer.from(output["data"] as unknown as Uint8Array).toString() };
}

function stages({ frames }: Read): unknown[] {
  return frames.filter(({ event }) => event === "progress").map(({ data }) => data["stage"]);
}

async function refusal(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    const { code, reason, message } = error as { code: string; reason?: string | null; message: string };
    assert.ok(message.length > 20, `says what to do: ${message}`);
    return `${code} ${reason ?? "null"}`;
  }
  throw new Error("expected a refusal");
}

/** Itself and all below it. */
function processesOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(processesOf)];
}

/** Gone, or dead and not fetched yet by whoever takes in orphans. */
function isOver(pid: number): boolean {
  try {
    return /^[ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\) /s, ""));
  } catch {
    return true;
  }
}
