/** Real documents in the real reader. @source 22 rules 1–2, O1, O2 */
import assert from "node:assert/strict";
import test, { before } from "node:test";
import {
  digitalPdf,
  HARMFUL_PDFS,
  lockedPdf,
  placedPdf,
  scannedPdf,
  shortPagesPdf,
} from "../../../../test/fixtures/pdf-documents.ts";
import { pictureHead, writePdf, type PdfDrawnPage } from "../../../../test/fixtures/pdf-writer.ts";
import { seededRandom } from "../../../../test/fixtures/random.ts";
import { Failure } from "../../src/failure.ts";
import { readInOrder } from "../../src/pdf/reading-order.ts";
import { openDocument, type PdfDocument } from "../../src/worker/document.ts";
import { openPdfium, type Pdfium } from "../../src/worker/pdfium.ts";

let pdfium: Pdfium;
before(async () => {
  pdfium = await openPdfium();
});

const open = (file: Buffer, password?: string): PdfDocument => openDocument(pdfium, file, password);
const wish = { dpi: 72, maxPixels: 50_000_000 };

function using<T>(file: Buffer, work: (document: PdfDocument) => T): T {
  const document = open(file);
  try {
    return work(document);
  } finally {
    document.close();
  }
}

test("finds every letter of a page where a viewer shows it", () => {
  using(placedPdf([{ text: "Grüße", x: 100, y: 700 }]), (document) => {
    const { glyphs, imageShare } = document.textLayer(1);
    assert.equal(glyphs.map(({ text }) => text).join(""), "Grüße");
    assert.equal(imageShare, 0);
    const ink = inkOf(document);
    const [first, last] = [glyphs[0], glyphs.at(-1)];
    assert.ok(first && last);
    assert.ok(first.x <= ink.left + 1 && last.x + last.w >= ink.right - 1, JSON.stringify({ first, last, ink }));
    assert.ok(first.y <= ink.top && first.y + first.h >= ink.bottom, JSON.stringify({ first, ink }));
  });
});

/** Pixels of a page at 72 dpi are its points. */
function inkOf(document: PdfDocument): { left: number; right: number; top: number; bottom: number } {
  const { page } = document.render(1, wish);
  const dark = [...page.data.entries()].filter(([, value]) => value < 128).map(([at]) => at);
  const xs = dark.map((at) => at % page.width);
  const ys = dark.map((at) => Math.floor(at / page.width));
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

test("reads a page that viewers turn as they show it, and text that stays askew as such", () => {
  // Commands that set text so that it stands upright once the page is turned.
  const upright: Record<number, (x: number, y: number) => string> = {
    0: (x, y) => `1 0 0 1 ${x} ${842 - y}`,
    90: (x, y) => `0 1 -1 0 ${y} ${x}`,
    180: (x, y) => `-1 0 0 -1 ${595 - x} ${y}`,
    270: (x, y) => `0 -1 1 0 ${595 - y} ${842 - x}`,
  };
  for (const rotate of [0, 90, 180, 270] as const) {
    const line = (text: string, x: number, y: number): string =>
      `BT /F 11 Tf ${upright[rotate]?.(x, y) ?? ""} Tm (${text}) Tj ET\n`;
    const content = Buffer.from(line("zweite Zeile", 100, 220) + line("erste Zeile", 100, 200));
    using(writePdf([{ content, rotate }]), (document) => {
      const { glyphs } = document.textLayer(1);
      assert.equal(readInOrder(glyphs), "erste Zeile\nzweite Zeile", `${rotate}°`);
      const ink = inkOf(document);
      assert.ok(Math.abs(ink.left - 101) < 3 && ink.top > 185 && ink.bottom < 225, `${rotate}° ${JSON.stringify(ink)}`);
      assert.ok(
        glyphs.every(({ x, y, turned }) => x >= 99 && y > 180 && y < 225 && !turned),
        `${rotate}°`,
      );
    });
    if (rotate !== 0)
      using(placedPdf([{ text: "liegt", x: 100, y: 700 }], { rotate }), (document) =>
        assert.ok(document.textLayer(1).glyphs.every(({ turned }) => turned)),
      );
  }
});

test("knows how much of a page pictures cover, also when they are cut into strips (22 O1)", async () => {
  const { pdf } = await scannedPdf(1);
  using(pdf, (document) => assert.equal(document.textLayer(1).imageShare, 1));
  const picture: PdfDrawnPage["picture"] = {
    dictionary: `${pictureHead(2, 2)} /ColorSpace /DeviceGray`,
    data: Buffer.from([0, 255, 255, 0]),
  };
  const strip = (from: number, to: number): string => `q 595 0 0 ${to - from} 0 ${from} cm /Im Do Q\n`;
  const shares: [string, number][] = [
    [strip(0, 421), 0.5],
    [strip(0, 200) + strip(200, 421) + strip(421, 842), 1],
    [strip(0, 421) + strip(100, 421), 0.5],
    [strip(-842, 0), 0],
    ["q 59.5 0 0 84.2 0 0 cm /Im Do Q", 0.01],
  ];
  for (const [content, share] of shares)
    using(writePdf([{ content: Buffer.from(content), picture }]), (document) => {
      const found = document.textLayer(1).imageShare;
      assert.ok(Math.abs(found - share) < 0.01, `${content}: ${found}`);
    });
});

test("finds pictures that are drawn by way of a form, where the form puts them (22 O1)", () => {
  const picture = { dictionary: `${pictureHead(2, 2)} /ColorSpace /DeviceGray`, data: Buffer.from([0, 255, 255, 0]) };
  // The picture is the last object of the second page.
  const head = "/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /Im 8 0 R >> >>";
  const form = { dictionary: head, data: Buffer.from("q 1 0 0 0.5 0 0 cm /Im Do Q") };
  const content = Buffer.from("q 595 0 0 842 0 0 cm /Im Do Q");
  using(
    writePdf([
      { content, picture: form },
      { content, picture },
    ]),
    (document) => {
      assert.ok(Math.abs(document.textLayer(1).imageShare - 0.5) < 0.01, String(document.textLayer(1).imageShare));
    },
  );
});

test("opens no picture or page with more pixels than allowed (22 §1)", () => {
  for (const file of [HARMFUL_PDFS.pixels(), HARMFUL_PDFS.poster()])
    assert.equal(
      reasonOf(() => using(file, (document) => document.render(1, { dpi: 300, maxPixels: 50_000_000 }))),
      "too_large",
    );
});

test("draws a page at the resolution that is asked for, or the highest that it may have", () => {
  using(digitalPdf(1).pdf, (document) => {
    const { page, dpi } = document.render(1, { dpi: 150, maxPixels: 50_000_000 });
    assert.deepEqual([page.width, page.height, dpi], [1240, 1754, 150]);
    const small = document.render(1, { dpi: 300, maxPixels: 1_000_000 });
    assert.ok(small.dpi < 110 && small.dpi > 95 && small.page.width * small.page.height <= 1_010_000, String(small.dpi));
  });
});

function reasonOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error.reason;
  }
  return "opened";
}

test("tells a locked document, a broken one and none at all apart (22 §1)", () => {
  const { pdf } = lockedPdf();
  assert.equal(
    reasonOf(() => open(pdf)),
    "pdf_encrypted",
  );
  assert.equal(
    reasonOf(() => open(pdf, "falsch")),
    "pdf_encrypted",
  );
  assert.equal(
    reasonOf(() => open(Buffer.from("MZ and so on"))),
    "decode_failed",
  );
  assert.equal(
    reasonOf(() => open(Buffer.from("%PDF-1.4\n"))),
    "decode_failed",
  );
  assert.equal(
    reasonOf(() => using(shortPagesPdf(1), (document) => document.textLayer(2))),
    "decode_failed",
  );
});

test("a document that takes all the memory ends as a refusal, and a fresh reader goes on", async () => {
  const starved = await openPdfium();
  assert.equal(
    reasonOf(() => openDocument(starved, HARMFUL_PDFS.inflates(), undefined).textLayer(1)),
    "memory",
  );
  assert.ok(starved.memoryBytes() <= 512 * 1024 * 1024);
});

test("any damaged document ends in pages or a refusal", async () => {
  const samples = [digitalPdf(1).pdf, lockedPdf().pdf, placedPdf([{ text: "Hallo", x: 50, y: 50 }], { rotate: 90 })];
  const random = seededRandom(Number(process.env["HN_SEED"] ?? 20261129));
  const below = (limit: number): number => Math.floor(random() * limit);
  let reader = await openPdfium();
  for (let n = 0; n < 300; n++) {
    const bytes = Buffer.from(samples[below(samples.length)] ?? []);
    for (let changes = below(12); changes >= 0; changes--) bytes[below(bytes.length)] = below(256);
    const damaged = random() < 0.3 ? bytes.subarray(0, below(bytes.length)) : bytes;
    try {
      const document = openDocument(reader, damaged, undefined);
      for (let page = 1; page <= Math.min(document.pages, 3); page++) {
        readInOrder(document.textLayer(page).glyphs);
        document.render(page, { dpi: 40, maxPixels: 1_000_000 });
      }
      document.close();
    } catch (error) {
      assert.ok(error instanceof Failure, `${damaged.toString("base64")}: ${String(error)}`);
      if (error.cause !== undefined) reader = await openPdfium();
    }
  }
});
