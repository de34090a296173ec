import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Browser } from "playwright-core";
import type { JsonObject } from "@hearthnet/host/contract";
import { digitalPdf } from "../fixtures/pdf-documents.ts";
import { temporaryFolder, type LiveNode } from "../support/live-node.ts";
import { askPage, PASSWORD } from "./support/api.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

const LOOKS = [
  { language: "de", theme: "dark", width: 320 },
  { language: "en", theme: "light", width: 1280 },
] as const;
/** So that progress is there to be seen and cancelled. */
const SLOWLY_BYTES_PER_SECOND = 100_000;
const LARGE_BYTES = 12_000_000;

describe("files on the page (issue 5, admin-ui §3 /uploads, §7)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let browser: Browser;
  let session: string;
  let small: string;
  let large: string;
  after(() => opened.close());

  before(async () => {
    ({ node, browser, session } = await openScene(opened, { passphrase: PASSWORD }));
    const folder = temporaryFolder(opened);
    small = join(folder, "Grüße „Ä“ & <b>.html");
    large = join(folder, "photos.zip");
    writeFileSync(small, "<script>alert(1)</script>");
    writeFileSync(large, randomFillSync(Buffer.alloc(LARGE_BYTES)));
  });

  const arrive = (look: (typeof LOOKS)[number], name = "files"): Promise<Visitor> =>
    Visitor.arrive(opened, { browser, session, admin: node.ready.admin, name: `${name}-${look.language}`, ...look });

  it("says what is missing while no plugin keeps files", async () => {
    for (const look of LOOKS) {
      const me = await arrive(look, "files-none");
      await me.visit("/files");
      await me.get("heading", "files.noKeeper").waitFor();
      await me.look("no-keeper");
      await me.get("link", "files.install").click();
      await me.page.waitForURL("**/browse/hearthnet/files");
      me.assertClean();
      await me.context.close();
    }
    const cookie = `hn_session=${session}`;
    const headers = { "content-type": "application/octet-stream" };
    const { status, body } = await askPage(node, "/uploads?visibility=private", { body: "x", cookie, headers });
    assert.deepEqual([status, body["reason"]], [501, "blob_store_missing"]);
    await node.ask(["plugin", "install", "hearthnet/files", "--grant", "all", "--confirm", "hearthnet/files"]);
  });

  it("refuses an upload that nobody may see, that is no stream of bytes, or that comes from elsewhere", async () => {
    const cookie = `hn_session=${session}`;
    const headers = { "content-type": "application/octet-stream" };
    const put = (path: string, o: object): ReturnType<typeof askPage> =>
      askPage(node, path, { body: "hello", cookie, headers, ...o });
    assert.equal((await put("/uploads", {})).status, 400);
    assert.equal((await put("/uploads?visibility=neighbours", {})).status, 400);
    assert.equal((await put("/uploads?visibility=private", { headers: {} })).status, 400);
    assert.equal((await put("/uploads?visibility=private", { cookie: "" })).status, 401);
    assert.equal(
      (await put("/uploads?visibility=private", { headers: { ...headers, "sec-fetch-site": "cross-site" } })).status,
      401,
    );
    assert.equal((await askPage(node, "/files/..%2f..%2fetc%2fpasswd", { cookie })).status, 400);
    assert.equal((await askPage(node, `/files/blake3:${"0".repeat(64)}`, { cookie })).body["reason"], "blob_unknown");
    assert.deepEqual((await askPage(node, "/files", { cookie })).body["items"], []);
  });

  for (const look of LOOKS)
    it(`takes files with progress, lists, pins, shares, gives them back and deletes them (${look.language}, ${look.width} px)`, async () => {
      const me = await arrive(look);
      await me.visit("/files");
      await me.page.getByText(me.say("files.none")).waitFor();
      await me.look("empty");
      await me.get("combobox", "files.who").selectOption("private");

      const wire = await me.context.newCDPSession(me.page);
      const slow = (bytes: number): Promise<unknown> =>
        wire.send("Network.emulateNetworkConditions", {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: bytes,
        });
      await slow(SLOWLY_BYTES_PER_SECOND);
      await me.choose("files.choose", [large, small]);
      const bar = me.page.getByRole("progressbar", { name: me.say("files.progress", { name: "photos.zip" }) });
      await bar.waitFor();
      await me.page.waitForFunction(
        (label) => {
          const { value = 0 } = document.querySelector<HTMLProgressElement>(`progress[aria-label="${label}"]`) ?? {};
          return value > 0.01 && value < 1;
        },
        me.say("files.progress", { name: "photos.zip" }),
      );
      await me.look("under-way");
      await me.page.locator('[data-upload="done"]').getByText("<b>.html").waitFor();
      await me.press("files.cancelOne", { values: { name: "photos.zip" } });
      await me.page.locator('[data-upload="cancelled"]').waitFor();
      const rows = me.page.locator("tr[data-cid]");
      await rows.getByText("<b>.html").waitFor();
      assert.equal(await rows.count(), 1, "nothing is left of what was cancelled");
      await slow(-1);
      await me.press("files.again", { values: { name: "photos.zip" } });
      await rows.getByText("photos.zip").waitFor();
      await me.press("files.clear");
      // Who founds a community is its anchor, and anchors keep copies unless they say no.
      const copies = await me.page.locator("[data-fact=copies]").innerText();
      assert.match(
        copies,
        look.language === "de" ? /^Kopien für Nachbarn: 0 .* 10,7/ : /^Copies kept for neighbours: 0 .* 10\.7/,
      );

      const row = rows.filter({ hasText: "photos.zip" });
      await row.locator(".seen").getByText(me.say("files.visibility.private")).waitFor();
      await me.press("files.pinOne", { values: { name: "photos.zip" } });
      await row.getByText(me.say("files.pinned"), { exact: true }).waitFor();
      await me.press("files.shareOne", { values: { name: "photos.zip" } });
      const dialog = me.page.getByRole("dialog");
      await dialog.getByRole("radio").nth(1).press("Space");
      await me.look("share", { whole: false });
      await me.press("files.shareSave", { within: dialog });
      await row.locator(".seen").getByText(me.say("files.visibility.community")).waitFor();
      await row.getByText(me.say("files.copies", { there: 1, wanted: 3 })).waitFor();
      await me.press("files.detailsOne", { values: { name: "photos.zip" } });
      await me.page.getByLabel(me.say("files.useInWhat")).waitFor();
      await me.look("details", { whole: false });
      await me.press("act.close", { within: dialog });
      await me.look("listed");

      const download = me.page.waitForEvent("download");
      await me.get("link", "files.downloadOne", { values: { name: "photos.zip" } }).click();
      assert.deepEqual(readFileSync(await (await download).path()), readFileSync(large));
      const page = await rows.filter({ hasText: "<b>.html" }).getAttribute("data-cid");
      const headers = await me.page.evaluate(
        async (cid) => Object.fromEntries((await fetch(`/api/v1/files/${cid}`)).headers),
        page,
      );
      assert.equal(headers["content-type"], "application/octet-stream", "nothing that could run here");
      assert.match(headers["content-disposition"] ?? "", /^attachment; filename="[\w .-]+"; filename\*=UTF-8''Gr%C3%BC%C3%9Fe/);

      const search = me.page.getByLabel(me.say("files.search"));
      await search.fill("PHOTO");
      await me.page.getByText(me.say("files.found", 1)).waitFor();
      assert.equal(await rows.count(), 1);
      await search.fill("nothing of that name");
      await me.page.getByText(me.say("files.noneFound")).waitFor();
      await search.fill("");
      await me.page.getByText(me.say("files.found", 2)).waitFor();

      me.allow(/404/);
      await me.page.getByLabel(me.say("files.fetchId")).fill("blake3:12");
      await me.press("files.fetchGo");
      await me.page.getByText(me.say("files.fetchIdWrong")).first().waitFor();

      for (const name of ["photos.zip", (await rows.filter({ hasText: "<b>.html" }).locator("bdi").innerText()).trim()]) {
        await me.press("files.removeOne", { values: { name } });
        await me.look("remove", { whole: false });
        await me.press("files.remove", { within: dialog });
        await dialog.waitFor({ state: "detached" });
      }
      await me.page.getByText(me.say("files.none")).waitFor();
      me.assertClean();
      await me.context.close();
    });

  it("hands a file from one capability to the next in the console", async () => {
    const me = await arrive(LOOKS[1], "files-chain");
    await me.visit("/try/file.put.resume");
    await me.choose("files.storeOne", [small]);
    await me.page
      .getByText(me.say("files.filled", { name: basename(small) }))
      .first()
      .waitFor();
    const { cid } =
      ((await askPage(node, "/files", { cookie: `hn_session=${session}` })).body["items"] as { cid: string }[])[0] ?? {};
    assert.equal(await me.page.getByLabel(me.say("files.orId")).inputValue(), cid);
    await me.look("drop-zone");
    await me.visit("/try/file.browse");
    await me.press("try.run");
    await me.get("heading", "files.resultFiles").waitFor();
    await me.page.getByLabel(me.say("files.useInWhat")).selectOption("file.stat");
    await me.get("link", "files.useGo").click();
    await me.page.waitForURL("**/try/file.stat?**");
    await me.press("try.run");
    await me.page.locator("pre").filter({ hasText: "Grüße" }).first().waitFor();
    await me.look("handed-on");
    me.assertClean();
    await me.context.close();
  });

  for (const look of LOOKS)
    it(`puts a chosen file in with one call, and text recognition reads it by its id (${look.language}, ${look.width} px)`, async () => {
      await node.ask(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
      const me = await arrive(look, "files-put");
      await me.visit("/try/file.put");
      assert.equal(await me.page.locator("input[type=file]").count(), 1, "bytes of frames are no fields of the form");
      await me.press("try.run");
      await me.page.getByText(me.say("try.needFile")).waitFor();
      await me.choose("files.chooseOne", large);
      await me.page.getByText(/12 MB; .* 8[.,]4/).waitFor();
      await me.look("too-large");
      const pdf = join(temporaryFolder(opened), "Mühle.pdf");
      const document = digitalPdf(1);
      const text = document.truth[0]?.split(/\s/)[0] ?? "";
      writeFileSync(pdf, document.pdf);
      await me.choose("files.chooseOne", small);
      await me.choose("files.chooseOne", pdf);
      await me.page.getByText(me.say("try.more")).click();
      assert.equal(
        await me.page
          .getByLabel(/^Filename/)
          .first()
          .inputValue(),
        "Mühle.pdf",
      );
      await me.look("chosen");
      await me.press("try.run");
      await me.get("heading", "files.resultFiles").waitFor();
      const cid = await me.page.locator("section code").first().innerText();
      const stat = await node.ask<{ output: JsonObject }>(["call", "file.stat", "--input", JSON.stringify({ cid })]);
      const { filename, mime_type } = stat.output;
      assert.deepEqual([filename, mime_type], ["Mühle.pdf", "application/pdf"]);
      await me.look("put");
      await me.page.getByLabel(me.say("files.useInWhat")).selectOption({ label: "ocr.pdf" });
      await me.get("link", "files.useGo").click();
      await me.page.waitForURL("**/try/ocr.pdf?**");
      await me.press("try.run");
      await me.page.locator("pre").filter({ hasText: "text_layer_pages" }).first().waitFor({ timeout: 60_000 });
      await me.page.locator("pre.text").filter({ hasText: text }).waitFor();
      await me.look("read");
      me.assertClean();
      await me.context.close();
    });
});
