import { gzipSync } from "node:zlib";
import type { Browser, Response } from "playwright-core";

const SLOWDOWN = 4;

export interface FirstLoad {
  /** Sum of the scripts' bytes, each packed with gzip. */
  jsGz: number;
  cssGz: number;
  /** Everything asked for over HTTP: document, files, and the API. */
  requests: number;
  /** Bytes of all answers as they came, heads included. */
  wireBytes: number;
  /** Largest contentful paint with a slowed processor. */
  lcpMs: number;
  /** Addresses and packed sizes, for a person who must find what grew. */
  files: string[];
}

/**
 * Opens an address in a browser that has seen nothing yet, and adds up what came.
 * @param o.session   value of the session cookie
 */
export async function firstLoad(browser: Browser, o: { admin: string; path: string; session?: string }): Promise<FirstLoad> {
  const context = await browser.newContext({ baseURL: o.admin, locale: "de-DE", viewport: { width: 390, height: 720 } });
  try {
    if (o.session !== undefined)
      await context.addCookies([{ name: "hn_session", value: o.session, domain: new URL(o.admin).hostname, path: "/" }]);
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
    const responses: Response[] = [];
    page.on("response", (response) => responses.push(response));
    await page.goto(o.path, { waitUntil: "networkidle" });
    await page.waitForFunction(
      () => document.querySelector("h1") !== null && document.querySelector("[aria-busy=true]") === null,
    );
    const lcpMs = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          new PerformanceObserver((list) => resolve(list.getEntries().at(-1)?.startTime ?? 0)).observe({
            type: "largest-contentful-paint",
            buffered: true,
          });
        }),
    );
    const sum: FirstLoad = { jsGz: 0, cssGz: 0, requests: responses.length, wireBytes: 0, lcpMs, files: [] };
    for (const response of responses) {
      const { responseBodySize, responseHeadersSize } = await response.request().sizes();
      sum.wireBytes += responseBodySize + responseHeadersSize;
      const kind = response.request().resourceType();
      if (kind !== "script" && kind !== "stylesheet") continue;
      const packed = gzipSync(await response.body()).byteLength;
      sum[kind === "script" ? "jsGz" : "cssGz"] += packed;
      sum.files.push(`${new URL(response.url()).pathname} ${packed}`);
    }
    return sum;
  } finally {
    await context.close();
  }
}
