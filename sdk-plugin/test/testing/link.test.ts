import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { until } from "../../../host/test/support/until.ts";
import { HeldLink, linkPair } from "../../src/testing/link.ts";

describe("a link inside one process", () => {
  it("hands over copies: what the sender changes afterwards does not reach the other end", async () => {
    const [host, plugin] = linkPair();
    const bytes = Buffer.from("abc");
    host.write(bytes);
    const arrived = once(plugin, "data");
    await new Promise((resolve) => process.nextTick(resolve));
    bytes.fill(0);
    const [got] = (await arrived) as [Buffer];
    assert.equal(got.toString(), "abc");
    got.fill(1);
    assert.equal(bytes.toString("hex"), "000000");
  });

  it("slows a writer down whose reader does not read, and goes on with it", async () => {
    const [host, plugin] = linkPair();
    let sent = 0;
    const more = (): void => {
      while (sent < 1000 && host.write(Buffer.alloc(10_000))) sent += 1;
    };
    host.on("drain", more);
    more();
    for (let turn = 0; turn < 2000; turn += 1) await new Promise(setImmediate);
    assert.ok(sent < 100, `${sent} pieces left without a reader`);
    let bytes = 0;
    plugin.on("data", (part: Buffer) => (bytes += part.byteLength));
    await until("everything has come", () => bytes >= 10_000_000);
  });

  it("delivers what was sent before an end closed, then the end", async () => {
    const [host, plugin] = linkPair();
    const seen: string[] = [];
    host.on("data", (part: Buffer) => seen.push(part.toString()));
    plugin.write("last words");
    plugin.destroy();
    await once(host, "close");
    assert.deepEqual(seen, ["last words"]);
  });
});

describe("a link that can be held", () => {
  it("passes nothing in either direction while it is held, and everything in order afterwards", async () => {
    const [near, far] = linkPair();
    const link = new HeldLink(near);
    const seen = { here: "", there: "" };
    link.on("data", (part: Buffer) => (seen.here += part.toString()));
    far.on("data", (part: Buffer) => (seen.there += part.toString()));
    link.hold();
    for (const letter of "abc") {
      link.write(letter);
      far.write(letter.toUpperCase());
    }
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    assert.deepEqual(seen, { here: "", there: "" });
    link.release();
    await until("all has passed", () => seen.here === "ABC" && seen.there === "abc");
  });

  it("ends with the link behind it", async () => {
    const [near, far] = linkPair();
    const link = new HeldLink(near);
    link.resume();
    far.destroy();
    await once(link, "close");
    assert.ok(near.destroyed);
  });
});
