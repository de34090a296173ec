import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LiveNode } from "../support/live-node.ts";
import { Opened } from "./support/closing.ts";
import { openScene } from "./support/scene.ts";
import { figure, seconds } from "./support/figures.ts";
import { firstLoad } from "./support/first-load.ts";
import type { Browser } from "playwright-core";

/** Where the budget counts as broken; of requests no more than their target is let through. @source admin-ui §16 */
const FAILS_AT = { jsGz: 120_000, cssGz: 20_000, requests: 16 };
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;

describe("what a browser must fetch before it shows something (admin-ui §16)", () => {
  const opened = new Opened();
  let node: LiveNode;
  let browser: Browser;
  let session: string;
  after(() => opened.close());

  before(async () => {
    ({ node, session, browser } = await openScene(opened));
  });

  for (const { path, signedIn } of [
    { path: "/login", signedIn: false },
    { path: "/", signedIn: true },
  ])
    it(`loads ${path} within its budget`, async () => {
      const load = await firstLoad(browser, { admin: node.ready.admin, path, ...(signedIn ? { session } : {}) });
      assert.ok(load.jsGz > 20_000 && load.cssGz > 1000, "scripts and styles were seen");
      for (const [what, limit] of Object.entries(FAILS_AT)) {
        const value = load[what as keyof typeof FAILS_AT];
        assert.ok(value < limit, `${what} is ${value}, the limit ${limit}: ${load.files.join(", ")}`);
      }
      figure(
        `first load of ${path}: JS ${kilobytes(load.jsGz)} gz, CSS ${kilobytes(load.cssGz)} gz, ${load.requests} requests, ` +
          `${kilobytes(load.wireBytes)} on the wire; largest paint ${seconds(load.lcpMs)} with the processor 4 times slower`,
      );
    });
});
