/** The owner reads a document on the text recognition's own page. @source 22 §7, admin-ui §17 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Locator } from "playwright-core";
import { until } from "../../host/test/support/until.ts";
import { digitalPdf, lockedPdf, mixedPdf, PDF_PASSWORD, scannedPdf } from "../fixtures/pdf-documents.ts";
import { Opened } from "./support/closing.ts";
import { accessibleInside, inside } from "./support/panels.ts";
import { arriveAt, openScene, type Scene } from "./support/scene.ts";
import type { Visitor } from "./support/visitor.ts";

const PATH = "/plugins/hearthnet/ocr/panel/read";
/** Reading a page takes seconds, on a busy machine many. */
const PATIENT = { timeout: 90_000 };

describe("a document is read on the page of text recognition (22 §7)", () => {
  const opened = new Opened();
  let scene: Scene;
  after(() => opened.close());

  before(async () => {
    scene = await openScene(opened);
    await scene.node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
  });

  const arrive = (name: string, language: "en" | "de"): Promise<Visitor> => arriveAt(opened, scene, { name, language });
  /** The panel has found its words. */
  async function visit(me: Visitor): Promise<void> {
    await me.visit(PATH);
    await inside(me).locator("#title").getByText(/./).waitFor(PATIENT);
  }
  const choose = (me: Visitor, pdf: Buffer): Promise<void> =>
    inside(me).locator("#file").setInputFiles({ name: "minutes.pdf", mimeType: "application/pdf", buffer: pdf });
  const says = (me: Visitor, text: string): Locator => inside(me).locator("#state").getByText(text, { exact: true });

  it("pages appear as they are read, the scan last, and what they say can be searched, in both languages", async () => {
    const { pdf } = await mixedPdf({ digital: 2, scans: 1 });
    const said = {
      en: {
        own: "The document's own text",
        picture: "Read from the picture of the page",
        step: "Reading page 2 of 3",
        done: "3 pages read",
        found: /^Found \d+ times$/,
      },
      de: {
        own: "Text des Dokuments selbst",
        picture: "Vom Bild der Seite gelesen",
        step: "Seite 2 von 3 wird gelesen",
        done: "3 Seiten gelesen",
        found: /^\d+ Mal gefunden$/,
      },
    };
    for (const language of ["en", "de"] as const) {
      const { own, picture, step, done, found } = said[language];
      const me = await arrive(`read-${language}`, language);
      await visit(me);
      await accessibleInside(me);
      await choose(me, pdf);
      const pages = inside(me).locator("article");
      await pages.first().getByText(own, { exact: true }).waitFor(PATIENT);
      await says(me, step).waitFor(PATIENT);
      await says(me, done).waitFor(PATIENT);
      assert.equal(await pages.count(), 3);
      await pages.nth(1).getByText(picture, { exact: true }).waitFor();
      await pages.nth(1).getByText("Gefriertruhe").first().waitFor();
      await inside(me).getByRole("searchbox").fill("kurbelradio");
      await inside(me).locator("#hits").getByText(found).waitFor();
      const marks = await inside(me).locator("mark").allTextContents();
      assert.ok(marks.length === 2 && marks.every((mark) => mark === "Kurbelradio"), marks.join());
      await accessibleInside(me);
      await me.look("read");
      me.assertClean();
    }
  });

  it("a document can be dropped, a locked one asks for its password", async () => {
    const me = await arrive("read-locked", "de");
    me.allow(/400/);
    await visit(me);
    await inside(me)
      .locator("#place")
      .evaluate(
        (place, bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "locked.pdf", { type: "application/pdf" }));
          place.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        },
        [...lockedPdf().pdf],
      );
    await says(me, "Das Dokument ist geschützt. Sein Passwort öffnet es.").waitFor(PATIENT);
    const password = inside(me).getByLabel("Passwort des Dokuments");
    for (const secret of ["falsch", PDF_PASSWORD]) {
      await password.fill(secret);
      await inside(me).getByRole("button", { name: "Öffnen", exact: true }).click();
      if (secret === "falsch") await says(me, "Das Dokument ist geschützt. Sein Passwort öffnet es.").waitFor(PATIENT);
      await me.look(secret === "falsch" ? "locked" : "opened");
    }
    await says(me, "Eine Seite gelesen").waitFor(PATIENT);
    await choose(me, Buffer.concat([Buffer.from("MZ"), Buffer.alloc(500, 0x90)]));
    await says(me, "Das ist kein lesbares PDF, oder es ist beschädigt.").waitFor(PATIENT);
    me.assertClean();
  });

  it("stops when it is told to, and when its reader leaves for another document", async () => {
    const me = await arrive("read-stopped", "en");
    await visit(me);
    const { pdf } = await scannedPdf(6);
    await choose(me, pdf);
    await says(me, "Reading page 1 of 6").waitFor(PATIENT);
    await inside(me).getByRole("button", { name: "Stop", exact: true }).click();
    await says(me, "Stopped").waitFor();
    await me.look("stopped");
    await choose(me, pdf);
    await says(me, "Reading page 1 of 6").waitFor(PATIENT);
    await choose(me, digitalPdf(1).pdf);
    await says(me, "One page read").waitFor(PATIENT);
    await until("one page is left on screen", async () => (await inside(me).locator("article").count()) === 1);
    me.assertClean();
  });
});
