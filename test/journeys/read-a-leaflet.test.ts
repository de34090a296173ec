import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { it } from "node:test";
import type { CatalogItem, LocalError, PermissionReview, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { makeOcrPages, type OcrPageOrder } from "../fixtures/ocr-pages.ts";
import { startNode, temporaryFolder } from "../support/live-node.ts";
import { compareWithTesseract, formatComparison } from "../support/ocr-accuracy.ts";
import { ticksBelow } from "../support/processes.ts";

interface Read {
  output: { text: string; confidence_mean: number; blocks: { bbox: number[] }[] };
  meta: { ms: number };
}

/** The language data that the plugin ships; Debian's program gets the same. */
function shippedData(language: string): Uint8Array {
  const { resolve } = createRequire(join(import.meta.dirname, "..", "..", "plugins", "ocr", "package.json"));
  return readFileSync(resolve(`@tesseract.js-data/${language}/4.0.0_best_int/${language}.traineddata.gz`));
}

const PAGES: OcrPageOrder[] = (["deu", "eng"] as const).flatMap((language) =>
  (["clean", "scan", "skew"] as const).map((kind) => ({ language, kind, font: "sans" as const })),
);

it(
  "finds, reviews and installs text recognition and reads pages as well as Debian's tesseract",
  { timeout: 600_000 },
  async (t) => {
    const node = await startNode(t);
    const found = await node.ask<CatalogItem[]>(["plugin", "search", "Texterkennung"]);
    assert.equal(found[0]?.id, "hearthnet/ocr", "the German name finds it");
    const { review } = await node.ask<{ review: PermissionReview }>(["plugin", "show", "hearthnet/ocr"]);
    assert.deepEqual(
      review.required.map(({ name }) => name),
      ["bus.provide", "ui.panel", "proc.worker", "blobs.read", "blobs.write", "storage.kv", "events.append"],
    );
    const unasked = await node.cli(["plugin", "install", "hearthnet/ocr"]);
    assert.equal((unasked.json as LocalError).reason, "consent_required");
    assert.deepEqual(await node.ask(["plugin", "list"]), [], "nothing was installed without consent");

    const status = await node.ask<PluginStatus>(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
    assert.equal(status.state, "active");
    assert.equal(status.label, "os");
    assert.equal(status.evidence?.hostUid, 65_534);
    assert.equal(status.evidence?.seccomp, 2);
    process.stdout.write(
      `figure: ocr runs as uid ${status.evidence?.hostUid} with label ${status.label}, own namespaces ${status.evidence?.namespaces.join(" ")}\n`,
    );

    const folder = temporaryFolder(t);
    const pages = await makeOcrPages(PAGES);
    const rows = await compareWithTesseract({
      pages,
      tessdata: { deu: shippedData("deu"), eng: shippedData("eng") },
      read: async (page) => {
        const path = join(folder, page.name);
        writeFileSync(path, page.image);
        const params = JSON.stringify({ languages: [page.language] });
        const { output } = await node.ask<Read>(["call", "ocr.image", "--file", `image_b64=${path}`, "--params", params]);
        assert.ok(output.blocks.every(({ bbox }) => bbox.length === 4));
        return output.text;
      },
    });
    if (rows === null) return t.skip("needs tesseract-ocr");
    process.stdout.write(
      formatComparison(rows)
        .split("\n")
        .map((line) => `figure: ${line}\n`)
        .join(""),
    );
    for (const { language, kind, cer, baselineCer } of rows)
      assert.ok(cer <= baselineCer + 0.2, `${language} ${kind}: ${cer} % wrong, Debian's tesseract ${baselineCer} %`);
  },
);

it("says of each bad picture and wish what is wrong with it, and goes on", async (t) => {
  const node = await startNode(t);
  await node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
  const folder = temporaryFolder(t);
  const file = (name: string, bytes: Uint8Array | string): string => {
    writeFileSync(join(folder, name), bytes);
    return `image_b64=${join(folder, name)}`;
  };
  const fails = async (args: string[]): Promise<LocalError> => {
    const { code, json } = await node.cli(["call", "ocr.image", ...args]);
    assert.equal(code, 1);
    const error = json as LocalError;
    assert.ok((error.message ?? "").length > 10 && (error.action ?? "").length > 10, JSON.stringify(error));
    return error;
  };
  const picture = file("text.png", "this is no picture");
  assert.equal((await fails(["--file", picture])).reason, "decode_failed");
  assert.equal((await fails([])).reason, "source");
  assert.equal((await fails(["--file", picture, "--params", '{"languages":["xyz"]}'])).reason, "language_unsupported");
  assert.equal((await fails(["--file", picture, "--params", '{"backend":"magic"}'])).error, "not_found");
  assert.equal((await fails(["--input", '{"image_b64":17}'])).error, "schema_mismatch");
  const [page] = await makeOcrPages([{ language: "eng", kind: "clean", repeat: 1 }]);
  assert.ok(page);
  const read = await node.ask<Read>([
    "call",
    "ocr.image",
    "--file",
    file("page.png", page.image),
    "--params",
    '{"languages":["eng"]}',
  ]);
  assert.ok(read.output.text.length > 100);
});

it("stops working within a second when the caller goes away", async (t) => {
  const node = await startNode(t);
  await node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
  const [page] = await makeOcrPages([{ language: "deu", kind: "scan" }]);
  assert.ok(page);
  const path = join(temporaryFolder(t), page.name);
  writeFileSync(path, page.image);
  const before = ticksBelow(node.ready.pid);
  const leaving = new AbortController();
  const call = node.cli(["call", "ocr.image", "--file", `image_b64=${path}`], { killedBy: leaving.signal });
  await until("the worker is at the page", () => ticksBelow(node.ready.pid) - before > 20, 30_000);
  leaving.abort();
  await call;
  const gone = performance.now();
  let last = ticksBelow(node.ready.pid);
  let worked = gone;
  let still = 0;
  await until(
    "nothing works any more",
    () => {
      const now = ticksBelow(node.ready.pid);
      still = now - last <= 0 ? still + 1 : 0;
      // What follows is only to see that it stays so.
      if (still === 0) worked = performance.now();
      last = now;
      return still >= 10;
    },
    5000,
  );
  const ms = worked - gone;
  process.stdout.write(`figure: after the caller left, quiet within ${Math.round(ms)} ms\n`);
  await node.ask(["call", "ocr.image", "--file", `image_b64=${path}`, "--params", '{"languages":["deu"]}']);
});
