/** A plugin's routes on the port of a real node. @source plugin-platform §2.4 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { it } from "node:test";
import { Agent, WebSocket } from "undici";
import type { JsonObject, LedgerRow, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { packFixture } from "../fixtures/signed-folder.ts";
import { startNode, temporaryFolder, type LiveNode } from "../support/live-node.ts";

const ID = "hearthnet/doors";
const NOTES = "/ext/hearthnet/doors/notes";

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: JsonObject;
}

function ask(node: LiveNode, path: string, o: { method?: string; body?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = o.body === undefined ? {} : { "content-type": "application/json" };
    const call = request(
      new URL(path, node.ready.bus),
      { method: o.method ?? "GET", headers, rejectUnauthorized: false, agent: false },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => (text += part));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: JSON.parse(text || "{}") as JsonObject }),
        );
      },
    );
    call.on("error", reject);
    call.end(o.body);
  });
}

/** What the record says of WebSockets. */
async function talks(node: LiveNode): Promise<string[]> {
  const rows = await node.ask<LedgerRow[]>(["audit", "list", "--plugin", ID]);
  return rows.filter(({ op }) => op.startsWith("http.socket")).map(({ verdict, op }) => `${verdict} ${op}`);
}

it("opens them with the plugin, shuts them with it and with its right, and lets nobody in who has not signed", async (t) => {
  const node = await startNode(t);
  assert.equal((await ask(node, NOTES)).status, 404);
  const path = await packFixture(temporaryFolder(t), "doors");
  const status = await node.ask<PluginStatus>(["plugin", "install", "--from", path, "--grant", "all"]);
  assert.deepEqual(status.routes, [
    `GET ${NOTES}`,
    `POST ${NOTES}/:list`,
    "GET /ext/hearthnet/doors/talk/:room",
    "GET /ext/hearthnet/doors/watch",
  ]);

  const notes = await ask(node, NOTES);
  assert.deepEqual([notes.status, notes.body], [200, { notes: [] }]);
  assert.equal(notes.headers["x-hearthnet-from"], node.ready.node_id);
  assert.deepEqual([notes.headers["set-cookie"], notes.headers["cache-control"]], [undefined, "max-age=5"]);
  const unsigned = await ask(node, `${NOTES}/street`, { method: "POST", body: '{"text":"Moin"}' });
  assert.deepEqual([unsigned.status, unsigned.body["reason"]], [400, "header_missing"]);

  const socket = new WebSocket(new URL("/ext/hearthnet/doors/watch", node.ready.bus.replace("https:", "wss:")), {
    protocols: "doors.v1",
    dispatcher: new Agent({ connect: { rejectUnauthorized: false } }),
  });
  await once(socket, "open");
  const closed = once(socket, "close");
  await until("the record has it", async () => (await talks(node)).includes("allow http.socket.open"));
  await node.ask(["plugin", "revoke", ID, "http.mount"]);
  assert.equal(((await closed) as [CloseEvent])[0].code, 1011);
  await until("the record has its end", async () => (await talks(node)).includes("deny http.socket.close"));
  assert.equal((await ask(node, NOTES)).status, 404);
  await node.ask(["plugin", "grant", ID, "http.mount"]);
  assert.equal((await ask(node, NOTES)).status, 200);
  await node.ask(["plugin", "disable", ID]);
  assert.equal((await ask(node, NOTES)).status, 404);
  await node.ask(["plugin", "enable", ID]);
  assert.equal((await ask(node, NOTES)).status, 200);

  await node.kill9();
  const again = await startNode(t, { dataDir: node.dataDir });
  await until("its address answers again", async () => (await ask(again, NOTES)).status === 200, 30_000);
  await again.ask(["plugin", "remove", ID]);
  assert.equal((await ask(again, NOTES)).status, 404);
});
