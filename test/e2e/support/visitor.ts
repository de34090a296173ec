import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import type { Closing } from "../../support/live-node.ts";
import { wordsOf, type Language, type Say } from "./words.ts";

const PICTURES = join(import.meta.dirname, "..", "..", "out", "e2e");
const PATIENCE_MS = 20_000;

export interface VisitorOptions {
  /** Folder of the pictures below `test/out/e2e`. */
  name: string;
  language: Language;
  theme: "light" | "dark";
  width: number;
  /** Value of the session cookie: signed in from the start. */
  session?: string;
  /** Instead of the browser's language: what the page remembers as chosen. */
  remembered?: string;
}

type Role = Parameters<Page["getByRole"]>[0];

/** Somebody before a browser of their own, with their own cookies, language and screen. */
export class Visitor {
  readonly page: Page;
  readonly say: Say;
  readonly context: BrowserContext;
  readonly #folder: string;
  readonly #problems: string[] = [];
  #allowed: RegExp[] = [];
  #pictures = 0;
  /** Pages looked at by axe. */
  looked = 0;

  private constructor(o: { page: Page; context: BrowserContext; say: Say; folder: string }) {
    this.page = o.page;
    this.context = o.context;
    this.say = o.say;
    this.#folder = o.folder;
    this.page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.#problem(`${message.type()}: ${message.text()}`);
    });
    this.page.on("pageerror", (error) => this.#problem(`page error: ${error.message}`));
  }

  /** @param admin   address of the node's page */
  static async arrive(t: Closing, o: { browser: Browser; admin: string } & VisitorOptions): Promise<Visitor> {
    const context = await o.browser.newContext({
      baseURL: o.admin,
      locale: o.language === "de" ? "de-DE" : "en-GB",
      colorScheme: o.theme,
      viewport: { width: o.width, height: o.width < 640 ? 720 : 900 },
      permissions: ["clipboard-read", "clipboard-write"],
      acceptDownloads: true,
    });
    t.after(() => context.close());
    context.setDefaultTimeout(PATIENCE_MS);
    // A refusal by the page's policy is a fault of the page, also where Chromium would only warn.
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
    });
    if (o.remembered !== undefined)
      await context.addInitScript((language) => localStorage.setItem("hn.language", language), o.remembered);
    if (o.session !== undefined)
      await context.addCookies([{ name: "hn_session", value: o.session, domain: new URL(o.admin).hostname, path: "/" }]);
    const folder = join(PICTURES, o.name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return new Visitor({ page: await context.newPage(), context, say: await wordsOf(o.language), folder });
  }

  /** By role and by the words of a text's key. */
  get(role: Role, key: string, o: { values?: object | number; exact?: boolean; within?: Locator } = {}): Locator {
    return (o.within ?? this.page).getByRole(role, { name: this.say(key, o.values), exact: o.exact ?? true });
  }

  async press(key: string, o: { values?: object; within?: Locator } = {}): Promise<void> {
    await this.get("button", key, o).click();
  }

  /** Gives files to the button that asks for them. */
  async choose(key: string, paths: string | string[]): Promise<void> {
    const chooser = this.page.waitForEvent("filechooser");
    await this.press(key);
    await (await chooser).setFiles(paths);
  }

  /** Goes there and waits until everything asked for is shown. */
  async visit(path: string): Promise<void> {
    await this.page.goto(path);
    await this.settled();
  }

  /** Goes there as a click on a link does, without loading the page anew. */
  async follow(path: string): Promise<void> {
    await this.page.evaluate((href) => {
      const link = document.createElement("a");
      link.href = href;
      document.body.append(link);
      link.click();
      link.remove();
    }, path);
    await this.page.waitForURL((url) => url.pathname === path);
    await this.settled();
  }

  async settled(): Promise<void> {
    await this.page.locator("h1").first().waitFor();
    await this.page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  }

  async titled(key: string): Promise<void> {
    await this.get("heading", key).first().waitFor();
    await this.settled();
  }

  /**
   * Takes a picture and looks closely: nothing sticks out sideways, and axe has nothing to say.
   * @param o.whole   false: only what is on screen, for dialogs
   */
  async look(name: string, o: { whole?: boolean } = {}): Promise<void> {
    await this.page.screenshot({ path: this.picture(name), fullPage: o.whole ?? true });
    await this.fits(name);
    await this.accessible(name);
  }

  /** Where the next picture of this visit goes. */
  picture(name: string): string {
    return join(this.#folder, `${String(++this.#pictures).padStart(2, "0")}-${name}.png`);
  }

  async fits(name: string): Promise<void> {
    const beyond = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(beyond, 0, `${name} sticks out sideways by ${beyond} px`);
  }

  async accessible(name: string): Promise<void> {
    this.looked++;
    // The page holds no foreign frames, so one pass in it suffices; the other way opens a second page each time.
    const { violations } = await new AxeBuilder({ page: this.page })
      .setLegacyMode(true)
      .options({ resultTypes: ["violations"] })
      .analyze();
    const told = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `   ${n.html}`).join("\n")}`);
    assert.equal(violations.length, 0, `axe on ${name}:\n${told.join("\n")}`);
  }

  /** What a following step provokes on purpose. */
  allow(...problems: RegExp[]): void {
    this.#allowed.push(...problems);
  }

  /** No error on the console, no refusal by the page's policy, no fault of a script since the last time. */
  assertClean(): void {
    assert.deepEqual(this.#problems.splice(0), []);
    this.#allowed = [];
  }

  #problem(text: string): void {
    if (!this.#allowed.some((pattern) => pattern.test(text))) this.#problems.push(text);
  }
}
