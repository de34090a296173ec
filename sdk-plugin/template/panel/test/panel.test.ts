import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { runInNewContext } from "node:vm";

const PANEL = join(import.meta.dirname, "..", "panel");
const page = readFileSync(join(PANEL, "index.html"), "utf8");

interface Message {
  v: string;
  method: string;
  params: { language?: string };
}

/** The script as a browser runs it in the frame. */
function open() {
  const element = { textContent: "" };
  const sent: Message[] = [];
  const parent = { postMessage: (message: Message) => void sent.push(message) };
  let hear = (_event: { source: unknown; data: Message }): void => {};
  runInNewContext(readFileSync(join(PANEL, "panel.js"), "utf8"), {
    parent,
    document: { documentElement: { lang: "" }, getElementById: () => element },
    addEventListener: (_name: string, listener: typeof hear) => void (hear = listener),
  });
  return { element, sent, parent, hear: (source: unknown, data: Message) => hear({ source, data }) };
}

it("says that it is ready, and greets in the language of the page around it", () => {
  const { element, sent, parent, hear } = open();
  assert.equal(sent[0]?.method, "ready");
  hear(parent, { v: "hn.panel.v1", method: "theme", params: { language: "de" } });
  assert.match(element.textContent, /^Hallo/);
});

it("hears nobody but the page around it", () => {
  const { element, hear } = open();
  hear({}, { v: "hn.panel.v1", method: "theme", params: { language: "de" } });
  assert.match(element.textContent, /^Hello/);
});

it("brings everything it uses: nothing inline, nothing from elsewhere", () => {
  assert.doesNotMatch(page, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|https?:/);
  for (const [, file = ""] of page.matchAll(/(?:src|href)="([^"]+)"/g)) assert.ok(existsSync(join(PANEL, file)), file);
});
