import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { Log } from "../../../src/contract/index.ts";
import { systemClock } from "../../../src/foundation/index.ts";
import { everything, get, letter, plug, refusalOf, type Answer } from "../support/letters.ts";
import { Endings, Street, type House } from "../support/street.ts";

const PATIENCE = { headersMs: 300, bodyMs: 600, keepAliveMs: 300 };

describe("connections that do not speak well (02 T-1)", () => {
  const endings = new Endings();
  const complaints: string[] = [];
  let anna: House;
  before(async () => {
    const note = (text: string): void => void complaints.push(text);
    const log: Log = { debug: () => undefined, info: () => undefined, warn: note, error: note, child: () => log };
    anna = await new Street(endings).house("Anna", { listener: { patience: PATIENCE, rates: { perAddress: 10_000 }, log } });
    anna.offer({ trust_required: "unknown" });
  });
  after(async () => {
    assert.equal((await get(anna, "/health")).status, 200, "the node lives");
    assert.deepEqual(complaints, [], "nobody fills the log from outside");
    await endings.run();
  });

  async function say(...pieces: (string | Uint8Array)[]): Promise<string> {
    const socket = await plug(anna);
    const seen = everything(socket);
    for (const piece of pieces) socket.write(piece);
    return seen;
  }

  function answerIn(text: string): Answer {
    const [head = "", body = ""] = text.split("\r\n\r\n");
    const [first = "", ...lines] = head.split("\r\n");
    return {
      status: Number(first.split(" ")[1]),
      headers: Object.fromEntries(lines.map((line) => line.split(": ", 2)) as [string, string][]),
      body: JSON.parse(body) as Answer["body"],
    };
  }

  it("are cut without a word when they never begin", async () => {
    const started = performance.now();
    assert.equal(await say(), "");
    const silent = connect(anna.listener.port, "127.0.0.1").resume();
    await new Promise((resolve) => silent.once("close", resolve));
    assert.ok(performance.now() - started < 5000);
  });

  it("are cut when headers or body come in drops", async () => {
    const head = "POST /bus/v1/call HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for (const start of [head, `${head}content-length: 1000\r\n\r\n{`]) {
      const socket = await plug(anna);
      const seen = everything(socket);
      socket.write(start);
      const drip = (): void => {
        if (socket.destroyed) return;
        socket.write("x");
        systemClock.setTimeout(drip, 50);
      };
      drip();
      const started = performance.now();
      await seen;
      assert.ok(performance.now() - started < 5000, start);
    }
  });

  it("are told when the header block is larger than 16 KiB", async () => {
    const large = `GET /health HTTP/1.1\r\nhost: x\r\nx-much: ${"a".repeat(17_000)}\r\n\r\n`;
    assert.equal(refusalOf(answerIn(await say(large)), anna), "431 bad_request too_large");
  });

  it("are refused when what they ask for is no address at all", async () => {
    const targets = [
      "//:x",
      "//[",
      "//",
      "/%",
      "/%zz",
      "/\\",
      "//a@b:c/d",
      "/bus/v1/call/..%2f",
      "http://[/health",
      "https://x:99999/",
      "*",
    ];
    for (const target of targets) {
      const answer = answerIn(await say(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`));
      assert.ok(answer.status >= 400 && answer.status < 500, `${target}: ${answer.status}`);
    }
  });

  it("are told when it is no HTTP at all, or HTTP that two readers would read differently", async () => {
    const wrong = [
      "hello\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "GET /health HTTP/1.1\r\nhost : x\r\n\r\n",
      "GET /health HTTP/1.1\r\nhost: x\r\nx-a: b\u0000c\r\n\r\n",
      "POST /bus/v1/call HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
      "POST /bus/v1/call HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
      "POST /bus/v1/call HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n{}",
    ];
    for (const text of wrong) assert.match(refusalOf(answerIn(await say(text)), anna), /^400 bad_request/, text);
  });

  it("may vanish in the middle of anything", async () => {
    const one = letter(anna.signer, anna, { community: anna.nodeId });
    const lines = Object.entries({ ...one.headers, "content-length": "5000" }).map(([k, v]) => `${k}: ${String(v)}\r\n`);
    const text = `POST /bus/v1/call HTTP/1.1\r\nhost: x\r\n${lines.join("")}\r\n${one.body}`;
    for (const length of [1, 10, 100, 400, text.length]) {
      const socket = await plug(anna);
      await new Promise((resolve) => socket.write(text.slice(0, length), resolve));
      socket.destroy();
    }
  });

  it("may send any bytes", async () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(
          fc.constantFrom(
            "GET ",
            "POST ",
            "/health",
            "/bus/v1/call",
            " HTTP/1.1",
            "\r\n",
            "\r\n\r\n",
            "host: x",
            ":",
            "\u0000",
            "content-length: 5",
            "transfer-encoding: chunked",
            "5\r\n",
            "upgrade: websocket\r\nconnection: upgrade",
          ),
          { maxLength: 12 },
        )
        .map((parts) => Buffer.from(parts.join(""))),
    );
    for (const bytes of fc.sample(chunk, { numRuns: 60, seed: Number(process.env["HN_SEED"] ?? 42) })) {
      const socket = await plug(anna);
      const seen = everything(socket);
      socket.end(bytes);
      const text = await seen;
      assert.ok(text === "" || text.startsWith("HTTP/1.1 "), `${Buffer.from(bytes).toString("latin1")} → ${text}`);
    }
  });

  it("that ask for a WebSocket without its subprotocol are told which way to go instead (02 §8)", async () => {
    const text = await say("GET /bus/v1/call HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
    const answer = answerIn(text);
    assert.equal(answer.headers["sec-websocket-protocol"], "hearthnet-bus.v2");
    assert.equal(answer.status, 426);
    assert.equal(answer.body["reason"], "upgrade_unsupported");
  });
});
