import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { OperatorClient } from "../../src/cli/client.ts";
import { refusal } from "../support/people.ts";

function dataFolder(t: TestContext, below = ""): string {
  const root = mkdtempSync(join(tmpdir(), "hn-client-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, below), { recursive: true });
  return join(root, below);
}

/** A node's operator socket that answers as told. */
async function nodeThat(t: TestContext, dataDir: string, answer: RequestListener): Promise<void> {
  const server = createServer(answer);
  process.chdir(dataDir);
  server.listen("admin.sock");
  await once(server, "listening");
  t.after(() => server.close());
}

describe("the terminal's way to a running node (architecture §5)", () => {
  it("says that no node runs where there is no socket, and where a killed node left one", async (t) => {
    const dataDir = dataFolder(t);
    await assert.rejects(new OperatorClient(dataDir).get("/node"), refusal("partition", "node_not_running"));
    writeFileSync(join(dataDir, "admin.sock"), "");
    await assert.rejects(new OperatorClient(dataDir).get("/node"), refusal("partition", "node_not_running"));
  });

  it("asks and sends", async (t) => {
    const dataDir = dataFolder(t);
    await nodeThat(t, dataDir, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks).toString();
        response.end(JSON.stringify([request.method, request.url, request.headers["content-type"] ?? "", body]));
      });
    });
    const client = new OperatorClient(dataDir);
    assert.deepEqual(await client.get("/node"), ["GET", "/api/v1/node", "", ""]);
    assert.deepEqual(await client.send("PUT", "/x", { a: "ü" }), ["PUT", "/api/v1/x", "application/json", '{"a":"ü"}']);
    assert.deepEqual(await client.upload("/y", Buffer.from("hnp")), ["POST", "/api/v1/y", "application/octet-stream", "hnp"]);
  });

  it("reaches a node whose folder is too deep for a socket's name", async (t) => {
    const dataDir = dataFolder(t, "a-rather-long-name/".repeat(8));
    await nodeThat(t, dataDir, (_request, response) => response.end('"here"'));
    assert.equal(await new OperatorClient(dataDir).get("/node"), "here");
  });

  it("hands on what the node refuses, in its own words", async (t) => {
    const dataDir = dataFolder(t);
    const refused = { error: "quota_exceeded", message: "Too much.", action: "Wait.", reason: "over_quota" };
    await nodeThat(t, dataDir, (request, response) => {
      response.statusCode = request.url?.endsWith("/odd") === true ? 500 : 429;
      response.end(request.url?.endsWith("/odd") === true ? "<html>" : JSON.stringify(refused));
    });
    const client = new OperatorClient(dataDir);
    for (const attempt of [client.get("/x"), client.lines("/x", {}).next()])
      await assert.rejects(attempt, (error: unknown) => {
        refusal("quota_exceeded", "over_quota")(error);
        const { message, action } = error as { message: string; action: string };
        return message === "Too much." && action === "Wait.";
      });
    await assert.rejects(client.get("/odd"), refusal("internal_error"));
  });

  it("gives lines as they arrive, whole ones, however they were cut", async (t) => {
    const dataDir = dataFolder(t);
    await nodeThat(t, dataDir, (_request, response) => {
      const bytes = Buffer.from('{"n":1,"t":"ä"}\n{"n":2}\n{"n":3}');
      for (const byte of bytes) response.write(Buffer.from([byte]));
      response.end();
    });
    const seen: string[] = [];
    for await (const line of new OperatorClient(dataDir).lines("/call", {})) seen.push(line);
    assert.deepEqual(seen, ['{"n":1,"t":"ä"}', '{"n":2}', '{"n":3}']);
  });
});
