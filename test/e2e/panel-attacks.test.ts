/** A20: a panel that wants out of its frame, and the same page without one as control. @source plugin-platform §10, admin-ui §17 (E18) */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Frame, Page } from "playwright-core";
import { packFixture } from "../fixtures/signed-folder.ts";
import { temporaryFolder } from "../support/live-node.ts";
import { until } from "../../host/test/support/until.ts";
import { askPage } from "./support/api.ts";
import { openBrowser } from "./support/browser.ts";
import { Opened } from "./support/closing.ts";
import { openScene, type Scene } from "./support/scene.ts";
import { Visitor } from "./support/visitor.ts";

const PANEL = join(import.meta.dirname, "..", "fixtures", "plugins", "panel-attacks", "panel");
const PATH = "/plugins/hearthnet/panel-attacks/panel/out";

type Outcome = Record<string, { got?: unknown; failed?: string }>;
interface Attacker {
  attack: (spy: string) => Promise<Outcome>;
  flood: (count: number) => void;
  leave: (spy: string, whom: "self" | "top") => Promise<unknown>;
}

/** A form that is not sent, a beacon that is dropped and a frame that shows a refusal say nothing of it; the spy does. */
const SILENT = ["form", "beacon", "frame"];

const attack = (frame: Frame | Page, spy: string): Promise<Outcome> =>
  frame.evaluate((at) => (window as unknown as Attacker).attack(at), spy);
const leave = (frame: Frame, spy: string, whom: "self" | "top"): Promise<unknown> =>
  frame.evaluate(([at, who]) => (window as unknown as Attacker).leave(at, who), [spy, whom] as const).catch(() => "gone");

/** A server of the attacker's: whatever reaches it has left the frame. */
class Spy {
  readonly hits: string[] = [];
  readonly #server: Server = createServer((asked, answer) => {
    this.hits.push((asked.url ?? "").split("?")[0] ?? "");
    answer.writeHead(200, { "access-control-allow-origin": "*", "content-type": typeOf(asked.url ?? "") });
    answer.end();
  }).on("upgrade", (asked, socket) => {
    this.hits.push(asked.url ?? "");
    socket.destroy();
  });

  static async open(opened: Opened): Promise<Spy> {
    const spy = new Spy();
    spy.#server.listen(0, "127.0.0.1");
    await once(spy.#server, "listening");
    opened.after(() => {
      spy.#server.closeAllConnections();
      spy.#server.close();
    });
    return spy;
  }

  /** Whatever had left before is here by the time that a request of the test's own is. */
  async sawNothing(): Promise<void> {
    await fetch(`${this.url}/last`);
    assert.deepEqual(this.hits, ["/last"]);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }
}

const typeOf = (path: string): string =>
  path.startsWith("/script")
    ? "text/javascript"
    : path.startsWith("/style")
      ? "text/css"
      : path.startsWith("/image")
        ? "image/svg+xml"
        : "text/html";

describe("a panel that wants out (A20)", () => {
  const opened = new Opened();
  let scene: Scene;
  let me: Visitor;
  after(() => opened.close());

  before(async () => {
    scene = await openScene(opened);
    await scene.node.ask([
      "plugin",
      "install",
      "--from",
      await packFixture(temporaryFolder(opened), "panel-attacks"),
      "--grant",
      "all",
    ]);
    me = await Visitor.arrive(opened, {
      browser: scene.browser,
      admin: scene.node.ready.admin,
      name: "panel-attacks",
      language: "en",
      theme: "light",
      width: 1280,
      session: scene.session,
    });
    // What a script of the page itself could read.
    await me.context.addCookies([{ name: "seen", value: "1", domain: new URL(scene.node.ready.admin).hostname, path: "/" }]);
    me.allow(/./);
  });

  async function panelFrame(who: Visitor = me): Promise<Frame> {
    await who.visit(PATH);
    const inner = who.page.frames().find((frame) => frame !== who.page.mainFrame());
    assert.ok(inner, "the panel has no frame");
    await inner.waitForFunction(() => "attack" in window);
    return inner;
  }

  it("reads nothing, changes nothing, reaches nobody", async () => {
    const spy = await Spy.open(opened);
    const dialogs: string[] = [];
    me.page.on("dialog", (dialog) => {
      dialogs.push(dialog.type());
      void dialog.dismiss();
    });
    const frame = await panelFrame();
    const outcome = await attack(frame, spy.url);
    const succeeded = Object.entries(outcome).filter(([, { failed }]) => failed === undefined);
    assert.deepEqual(
      succeeded.filter(([name]) => !SILENT.includes(name)),
      [],
    );
    await frame.evaluate(() => alert("Password?"));
    await leave(frame, spy.url, "top");
    await leave(frame, spy.url, "self");
    await spy.sawNothing();
    assert.deepEqual(dialogs, []);
    assert.equal(new URL(me.page.url()).pathname, PATH, "the page around it has stayed");
    assert.equal(me.context.pages().length, 1, "no window was opened");
    assert.equal(await me.page.locator("h1").innerText(), "Out");
  });

  it("control: without a frame around it, the same page reads and reaches all of it", async () => {
    const spy = await Spy.open(opened);
    const server = createServer((asked, answer) => {
      const file = /^\/panel\/(index\.html|attack\.js)$/.exec(asked.url ?? "")?.[1];
      const type = file?.endsWith(".js") === true ? "text/javascript" : "text/html";
      answer.writeHead(200, { "content-type": type, "set-cookie": "seen=1" });
      answer.end(
        file === undefined ? '<h1>Secret</h1><iframe src="/panel/index.html"></iframe>' : readFileSync(join(PANEL, file)),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    opened.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const context = await scene.browser.newContext();
    opened.after(() => context.close());
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
    const frame = page.frames().find((one) => one !== page.mainFrame());
    assert.ok(frame);
    await frame.waitForFunction(() => "attack" in window);
    const outcome = await attack(frame, spy.url);
    assert.match(String(outcome["cookie"]?.got), /seen=1/);
    assert.equal(outcome["parentDom"]?.got, "Secret");
    assert.equal(outcome["parentChange"]?.got, "Owned");
    for (const name of [
      "storage",
      "frameElement",
      "api",
      "fetch",
      "xhr",
      "script",
      "style",
      "inline",
      "evaluated",
      "frame",
      "popup",
    ])
      assert.equal(outcome[name]?.failed, undefined, name);
    await leave(frame, spy.url, "top");
    const wanted = ["/fetch", "/xhr", "/beacon", "/image", "/script", "/style", "/frame", "/popup", "/form", "/socket", "/top"];
    await until("the attacker has it all", () => wanted.every((path) => spy.hits.includes(path)));
  });

  it("ten thousand wishes at once reach the node as a handful, and the page goes on (§4.6)", async () => {
    const frame = await panelFrame();
    let calls = 0;
    me.page.on("request", (asked) => void (asked.url().endsWith("/panels/out/call") && (calls += 1)));
    await frame.evaluate((count) => (window as unknown as Attacker).flood(count), 10_000).catch(() => "shut");
    await me.page.getByText(me.say("panel.flooded")).waitFor();
    // Two seconds' worth at once, and what comes due while the flood is read.
    assert.ok(calls > 0 && calls <= 100, `${calls} wishes reached the node`);
    assert.equal(await me.page.locator("iframe").count(), 0);
    await me.page.screenshot({ path: me.picture("flooded") });
    await me.press("panel.again");
    await me.page.locator("iframe").waitFor();
  });

  it("one that computes for ever is said to be silent, and the page around it goes on", async () => {
    // A browser of its own: a panel opened later in the same one would share the busy process.
    const browser = await openBrowser(opened);
    const { admin } = scene.node.ready;
    const who = { name: "panel-silent", language: "en", theme: "light", width: 1280, session: scene.session } as const;
    const other = await Visitor.arrive(opened, { browser, admin, ...who });
    const frame = await panelFrame(other);
    void frame
      .evaluate(() => {
        for (;;);
      })
      .catch(() => "ended");
    await other.page.getByText(other.say("panel.silent")).waitFor({ timeout: 60_000 });
    await other.get("link", "plugin.log").first().click();
    await other.titled("titles.logs");
  });

  it("its address, opened directly, is as inert, and serves nobody who is not signed in", async () => {
    const spy = await Spy.open(opened);
    const frame = await panelFrame();
    const src = frame.url();
    const page = await me.context.newPage();
    await page.goto(src);
    const outcome = await attack(page, spy.url);
    // Its parent is itself: reading that betrays nobody.
    const own = [...SILENT, "parentDom", "parentCookie", "parentChange", "frameElement"];
    assert.deepEqual(
      Object.entries(outcome).filter(([name, { failed }]) => failed === undefined && !own.includes(name)),
      [],
    );
    await page.close();
    await spy.sawNothing();

    const { host, pathname } = new URL(src);
    const status = (path: string, name = host): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ host: "127.0.0.1", port: host.split(":")[1], path, headers: { host: name }, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        })
          .on("error", reject)
          .end();
      });
    const root = pathname.split("/").slice(0, 2).join("/");
    assert.equal(await status(pathname), 200, "the control works");
    for (const path of [
      `${root}/hearthnet.plugin.json`,
      `${root}/panel/../hearthnet.plugin.json`,
      `${root}/panel/%2e%2e/hearthnet.plugin.json`,
      `${root}/panel%2findex.html`,
      `${root}//panel/index.html`,
      `${root}/panel/`,
      `/${"A".repeat(43)}/panel/index.html`,
      "/api/v1/node",
      "/",
    ])
      assert.equal(await status(path), 404, path);
    const cookie = `hn_session=${scene.session}`;
    await scene.node.ask(["plugin", "disable", "hearthnet/panel-attacks"]);
    await askPage(scene.node, "/session", { method: "DELETE", cookie });
    assert.equal(await status(pathname), 404, "who has signed out shows nothing any more");
  });
});
