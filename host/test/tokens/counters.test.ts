import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { shortId } from "../../src/identity/index.ts";
import { TokenStore } from "../../src/tokens/counters/store.ts";
import { claims, hall, newJti, outsider, presentation, verdict, written } from "./desk.ts";

const CHILD = join(import.meta.dirname, "counting-process.ts");

describe("calls of a token are counted (05 §7)", () => {
  it("up to its number, over restarts, each token for itself", async (t) => {
    const h = await hall(t);
    const limited = { capabilities: ["rag.query@1.0"], max_calls_total: 3 };
    const payload = claims(h, { scope: limited });
    const text = written(h.anna.signer, payload);
    const ask = (one = text): string => verdict(() => h.tokens.admit(presentation(h, one)));
    assert.deepEqual([ask(), ask()], ["ok", "ok"]);
    h.reopen();
    assert.deepEqual([ask(), ask()], ["ok", "token_scope_insufficient token_used_up"]);
    assert.equal(ask(written(h.anna.signer, claims(h, { scope: limited }))), "ok");
    // Another issuer who has chosen the same id has a count of its own.
    assert.equal(ask(written(h.carl.signer, payload)), "ok");
    h.village.clock.advance(3_000_000);
    assert.equal(ask(), "token_scope_insufficient token_used_up", "until its end");
  });

  it("before they are served, not when they succeed; refused ones do not count", async (t) => {
    const h = await hall(t);
    const text = written(h.anna.signer, claims(h, { scope: { capabilities: ["rag.query@1.0"], max_calls_total: 1 } }));
    assert.equal(
      verdict(() => h.tokens.admit(presentation(h, text, { capability: "ocr.image" }))),
      "token_scope_insufficient",
    );
    assert.equal(
      verdict(() => h.tokens.admit(presentation(h, text, { signer: h.carl.signer.nodeId }))),
      "invalid_signature token_subject_mismatch",
    );
    assert.equal(
      verdict(() => h.tokens.admit(presentation(h, text))),
      "ok",
    );
  });

  it("within any minute, and 60 where the token says nothing", async (t) => {
    const h = await hall(t);
    const { clock } = h.village;
    const ask = (text: string): string => verdict(() => h.tokens.admit(presentation(h, text)));
    const two = written(h.anna.signer, claims(h, { scope: { capabilities: ["rag.query@1.0"], rate_limit_per_minute: 2 } }));
    assert.equal(ask(two), "ok");
    clock.advance(30_000);
    assert.deepEqual([ask(two), ask(two)], ["ok", "rate_limited token_limit"]);
    clock.advance(30_000);
    assert.deepEqual([ask(two), ask(two)], ["ok", "rate_limited token_limit"], "a window that slides, not one that begins anew");
    const plain = written(h.anna.signer, claims(h));
    for (let i = 0; i < 60; i++) assert.equal(ask(plain), "ok");
    assert.equal(ask(plain), "rate_limited token_limit");
  });

  it("tells how long to wait", async (t) => {
    const h = await hall(t);
    const text = written(h.anna.signer, claims(h, { scope: { capabilities: ["rag.query@1.0"], rate_limit_per_minute: 1 } }));
    h.tokens.admit(presentation(h, text));
    h.village.clock.advance(20_000);
    assert.throws(() => h.tokens.admit(presentation(h, text)), { retryAfterMs: 40_000 });
  });

  it("of a thousand tokens at once, of one issuer of a quarter, and those that are over make room", (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), "hn-tokens-"));
    const store = new TokenStore(join(dataDir, "tokens.db"));
    t.after(() => {
      store.close();
      rmSync(dataDir, { recursive: true, force: true });
    });
    const count = (issuer: string, now: number): string => store.count({ issuer, jti: newJti(), exp: 1000, max: 5 }, now);
    for (let i = 0; i < 250; i++) assert.equal(count("a", 0), "counted");
    assert.equal(count("a", 0), "full");
    for (const issuer of ["b", "c", "d"]) for (let i = 0; i < 250; i++) assert.equal(count(issuer, 0), "counted");
    assert.equal(count("e", 0), "full");
    assert.equal(count("a", 1000), "counted", "over");
  });

  it("says so when there is no room for another counter", async (t) => {
    const h = await hall(t);
    const limited = (): string =>
      written(h.anna.signer, claims(h, { scope: { capabilities: ["rag.query@1.0"], max_calls_total: 3 } }));
    const ask = (): string => verdict(() => h.tokens.admit(presentation(h, limited())));
    for (let i = 0; i < 250; i++) assert.equal(ask(), "ok");
    assert.equal(ask(), "capacity_exceeded token_counters_full");
  });

  it("never goes back over kill -9", async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), "hn-tokens-"));
    t.after(() => rmSync(dataDir, { recursive: true, force: true }));
    const path = join(dataDir, "tokens.db");
    const token = { issuer: outsider().nodeId, jti: newJti() };
    let least = 0;
    for (let round = 0; round < 3; round++) {
      const child = spawn(
        process.execPath,
        ["--no-warnings", "--conditions=hearthnet-source", CHILD, path, token.issuer, token.jti],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      let said = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        said = Number(line);
        if (said >= least + 20) child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      const store = new TokenStore(path);
      const used = store.used(token) ?? 0;
      store.close();
      assert.ok(used >= said, `${said} were acknowledged, ${used} are counted`);
      least = used;
    }
  });

  it("for whoever looks after the node: by issuer, and whether the token covered them", async (t) => {
    const h = await hall(t);
    const text = written(h.anna.signer, claims(h));
    const ask = (change = {}): string => verdict(() => h.tokens.admit(presentation(h, text, change)));
    ask();
    ask();
    ask({ capability: "ocr.image" });
    ask({ signer: h.carl.signer.nodeId });
    const issuer = shortId(h.anna.signer.nodeId);
    assert.deepEqual(h.tokens.calls(), [
      { issuer, scopeMatch: true, calls: 2 },
      { issuer, scopeMatch: false, calls: 1 },
    ]);
  });
});
