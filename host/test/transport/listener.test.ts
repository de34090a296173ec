import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { later, tick } from "../bus/make.ts";
import { everything, get, letter, plug, post, refusalOf } from "./support/letters.ts";
import { Street } from "./support/street.ts";

describe("the node's port", () => {
  it("speaks TLS 1.3 and nothing older, and plain HTTP not at all", async (t) => {
    const anna = await new Street(t).house("Anna");
    const { port } = anna.listener;
    const old = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, maxVersion: "TLSv1.2" });
    const failure = await new Promise<NodeJS.ErrnoException>((resolve) => old.once("error", resolve));
    assert.match(String(failure.code), /PROTOCOL_VERSION|ECONNRESET/);
    const plain = connect(port, "127.0.0.1").resume();
    plain.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    await new Promise((resolve) => plain.once("close", resolve));
    const socket = await plug(anna);
    assert.equal(socket.getProtocol(), "TLSv1.3");
    socket.destroy();
  });

  it("that is taken is said so, and nothing is left open", async (t) => {
    const street = new Street(t);
    const anna = await street.house("Anna");
    await assert.rejects(street.house("Ben", { listener: { port: anna.listener.port } }), { code: "EADDRINUSE" });
  });

  it("lets a running call end when it closes, and sends new ones elsewhere in signed words", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    const gate = later<undefined>();
    anna.offer({}, async () => {
      await gate.promise;
      return { output: { late: true }, meta: {} };
    });
    const running = post(anna, letter(ben.signer, anna));
    while (anna.bus.inFlight() === 0) await tick();
    const kept = await plug(anna);
    const closed = anna.listener.close();
    kept.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    const [head = "", body = ""] = (await everything(kept)).split("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 503 /);
    assert.match(head, /connection: close/i);
    assert.equal((JSON.parse(body) as { reason: string }).reason, "closing");
    gate.resolve(undefined);
    assert.deepEqual((await running).body["output"], { late: true });
    await closed;
    await assert.rejects(get(anna, "/health"), { code: "ECONNREFUSED" });
  });

  it("cuts what does not end in time", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    anna.offer({}, () => new Promise(() => undefined));
    const running = assert.rejects(post(anna, letter(ben.signer, anna)), { code: "ECONNRESET" });
    const silent = connect(anna.listener.port, "127.0.0.1").resume();
    while (anna.bus.inFlight() === 0) await tick();
    const closed = anna.listener.close();
    await tick();
    street.clock.advance(5000);
    await Promise.all([running, closed, new Promise((resolve) => silent.once("close", resolve))]);
    street.clock.advance(200);
    assert.equal(anna.bus.inFlight(), 0);
  });

  it("opens again on the same folder", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    anna.offer();
    for (let i = 0; i < 3; i++) {
      const answer = await post(anna, letter(ben.signer, anna));
      assert.equal(answer.status === 200 ? "200" : refusalOf(answer, anna), "200");
      await anna.restart();
    }
  });
});
