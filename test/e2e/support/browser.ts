import { chromium, type Browser } from "playwright-core";
import type { Closing } from "../../support/live-node.ts";

const CHROMIUM = "/usr/bin/chromium";
/** Nothing leaves the machine, and nothing is asked before the first page. */
const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** One Chromium for a whole suite. */
export async function openBrowser(t: Closing): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  t.after(() => browser.close());
  return browser;
}
