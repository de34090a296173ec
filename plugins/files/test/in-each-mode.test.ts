/** The plugin as it is shipped, under the real host: in this process and in its sandbox. @source plugin-platform §4.7, 30 §2 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { join } from "node:path";
import { createTestHost, modes, runContract, type TestHost } from "@hearthnet/sdk-plugin/testing";
import { until } from "../../../host/test/support/until.ts";
import { CHUNK_BYTES } from "../src/cid/manifest.ts";
import { describeFile, readFile, sendFile } from "./support/put-file.ts";
import { assertSame, bytesOf } from "./support/test-store.ts";

const HELLO = "blake3:b8cc5fcfd8bf41058109ac42f3372ab5cf85c099d19a95580391038483dae3a6";
const HELLO_CHUNK = "blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f";
const ABSENT = `blake3:${"0".repeat(64)}`;
const NOT_FOUND = { code: "not_found", reason: "blob_unknown" };

for (const { mode, skip } of modes())
  describe(`files, ${mode}`, { skip }, () => {
    let host: TestHost;
    before(async () => {
      host = await createTestHost({ dir: join(import.meta.dirname, ".."), mode });
    });
    after(() => host.close());

    const own = async (verb: string, input: object): Promise<Record<string, unknown>> => ({
      ...(await host.call(`file.${verb}@1.0`, { input }, { as: "self" })).output,
    });

    it("takes a small file in one piece and gives it out again, whole and by its chunk", async () => {
      const body = { input: { data_b64: new TextEncoder().encode("hello"), filename: "../he\u202ello.txt" } };
      const { output } = await host.call("file.put@1.0", body, { as: "trusted" });
      assert.deepEqual({ ...output }, { cid: HELLO, size_bytes: 5 });
      const { manifest, bytes } = await readFile(host, { cid: HELLO });
      assert.equal(bytes.toString(), "hello");
      assert.equal(manifest["filename"], "hello.txt");
      const one = await host.call("file.read@1.0", { input: { cid: HELLO_CHUNK } });
      assert.equal(Buffer.from(one.output["data_b64"] as unknown as Uint8Array).toString(), "hello");
      await assert.rejects(host.call("file.put@1.0", body, { as: "member" }), { code: "unauthorized" });
      const { done } = await sendFile(host, new Uint8Array(), { input: body.input });
      assert.deepEqual({ ...done }, { cid: HELLO, size_bytes: 5 }, "who asks for a stream gets the same answer as its end");
      const large = { input: { data_b64: new Uint8Array(8_388_609) } };
      await assert.rejects(host.call("file.put@1.0", large, { as: "trusted" }), { code: "bad_request", reason: "too_large" });
    });

    it("takes a large file chunk by chunk, and only what it has not got", async () => {
      const bytes = bytesOf(20 * CHUNK_BYTES + 1, 1);
      const { cid } = await describeFile(bytes);
      const { wanted, acks, done } = await sendFile(host, bytes);
      assert.equal(wanted.length, 21);
      assert.deepEqual(acks, [8, 16, 21]);
      assert.deepEqual({ ...done, ms: 0 }, { received: 21, cid, ms: 0 });
      assertSame((await readFile(host, { cid })).bytes, Buffer.from(bytes));
      const some = await readFile(host, { cid, chunks: [3, 20, 1, 99], from: 2 });
      assert.deepEqual(some.places, [3, 20]);
      assert.deepEqual((await sendFile(host, bytes)).wanted, []);
      assert.deepEqual((await sendFile(host, bytesOf(22 * CHUNK_BYTES, 1))).wanted, [20, 21]);
    });

    it("goes on with an upload that broke off, also after its own end, for the same client alone", async () => {
      const bytes = bytesOf(10 * CHUNK_BYTES, 2);
      const manifest = await describeFile(bytes);
      const put = { manifest, client_id: "phone" };
      await assert.rejects(sendFile(host, bytes, { input: put, atMost: 6 }), { code: "bad_request" });
      await assert.rejects(readFile(host, { cid: manifest.cid }), NOT_FOUND);
      await host.restart();
      const again = (clientId: string): object => ({ manifest_cid: manifest.cid, client_id: clientId });
      const ref = "file.put.resume@1.0";
      const expired = { code: "expired", reason: "upload_expired" };
      await assert.rejects(sendFile(host, bytes, { ref, input: again("laptop") }), expired);
      await assert.rejects(sendFile(host, bytes, { ref, input: again("phone"), as: "self" }), expired);
      await assert.rejects(sendFile(host, bytes, { ref, input: { manifest_cid: ABSENT, client_id: "phone" } }), expired);
      const { wanted, done } = await sendFile(host, bytes, { ref, input: again("phone") });
      assert.deepEqual(wanted, [6, 7, 8, 9]);
      assert.equal(done["received"], 4);
      assertSame((await readFile(host, { cid: manifest.cid })).bytes, Buffer.from(bytes));
    });

    it("refuses what is not what it says", async () => {
      const bytes = bytesOf(2 * CHUNK_BYTES, 3);
      const manifest = await describeFile(bytes);
      const wrong = (change: (data: Record<string, unknown>) => void): Promise<unknown> => sendFile(host, bytes, { change });
      const mismatch = { code: "bad_request", reason: "hash_mismatch" };
      await assert.rejects(
        wrong((data) => (data["data_b64"] = bytesOf(CHUNK_BYTES, 99))),
        mismatch,
      );
      await assert.rejects(
        wrong((data) => (data["cid"] = HELLO_CHUNK)),
        mismatch,
      );
      await assert.rejects(
        wrong((data) => (data["i"] = 7)),
        mismatch,
      );
      for (const input of [
        { manifest: { ...manifest, size_bytes: 3 } },
        { manifest: { ...manifest, cid: HELLO } },
        { manifest, data_b64: new Uint8Array(1) },
        {},
      ])
        await assert.rejects(sendFile(host, bytes, { input }), { code: "bad_request", reason: "manifest_invalid" });
      await assert.rejects(readFile(host, { cid: ABSENT }), NOT_FOUND);
      await assert.rejects(host.call("file.read@1.0", { input: { cid: "../../etc/passwd" } }), { code: "schema_mismatch" });
    });

    it("shows a private file to this node alone, until it is shared", async () => {
      const bytes = new TextEncoder().encode("the doctor's letter");
      const { cid, chunks } = await describeFile(bytes);
      await own("put", { data_b64: bytes, visibility: "private" });
      await assert.rejects(readFile(host, { cid }), NOT_FOUND);
      await assert.rejects(host.call("file.read@1.0", { input: { cid: chunks[0]?.cid } }), NOT_FOUND);
      assertSame((await readFile(host, { cid }, "self")).bytes, Buffer.from(bytes));
      const listed = async (): Promise<unknown> => (await host.call("file.list@1.0", { input: { prefix: cid } })).output["cids"];
      assert.deepEqual(await listed(), []);
      assert.deepEqual(
        { ...(await own("stat", { cid })) },
        { have: true, complete: true, missing: [], pinned: false, visibility: "private", size_bytes: 19, encrypted: true },
      );
      await own("share", { cid, visibility: "community" });
      assert.deepEqual(await listed(), [cid]);
      assertSame((await readFile(host, { cid })).bytes, Buffer.from(bytes));
    });

    it("lists in pages, pins and deletes", async () => {
      const page = async (input: object): Promise<{ cids: string[]; next?: string }> =>
        (await host.call("file.list@1.0", { input })).output as never;
      const all = (await page({})).cids;
      const first = await page({ limit: 2 });
      const rest = await page({ after: first.next });
      assert.deepEqual([...first.cids, ...rest.cids], all);
      assert.equal(rest.next, undefined);
      assert.deepEqual(await own("pin", { cid: HELLO }), { pinned: true });
      assert.equal((await own("stat", { cid: HELLO }))["pinned"], true);
      assert.deepEqual(await own("unpin", { cid: HELLO }), { pinned: false });
      assert.deepEqual(await own("delete", { cid: HELLO }), { deleted: true, freed_bytes: 5 });
      for (const verb of ["stat", "pin", "unpin", "delete"]) {
        await assert.rejects(own(verb, { cid: HELLO }), NOT_FOUND, verb);
        await assert.rejects(host.call(`file.${verb}@1.0`, { input: { cid: HELLO } }, { as: "anchor" }), {
          code: "unauthorized",
        });
      }
      await assert.rejects(own("share", { cid: HELLO, visibility: "public" }), NOT_FOUND);
    });

    it("has its node say in the DHT which public files are here, and finds others there", async (t) => {
      const there = await createTestHost({ dir: join(import.meta.dirname, ".."), mode, dht: true });
      t.after(() => there.close());
      const does = (verb: string, input: object): Promise<unknown> => there.call(`file.${verb}@1.0`, { input }, { as: "self" });
      const said = (count: number): Promise<string[]> =>
        until(`${count} are said`, () => (there.dht.advertised.length === count ? there.dht.advertised : undefined));
      await does("put", { data_b64: bytesOf(9, 1), visibility: "private" });
      await does("put", { data_b64: bytesOf(9, 2), visibility: "community" });
      const { cid } = await describeFile(bytesOf(9, 3));
      await does("put", { data_b64: bytesOf(9, 3), visibility: "public" });
      assert.deepEqual(await said(1), [cid]);
      assert.equal((await there.dht.sources(cid)).length, 1);
      await does("share", { cid, visibility: "community" });
      await said(0);
      await does("share", { cid, visibility: "public" });
      await said(1);
      await does("delete", { cid });
      await said(0);
    });

    it("has everything again after kill -9", async () => {
      const before = (await host.call("file.list@1.0", { input: {} })).output["cids"];
      await host.kill9();
      await until("the plugin is active again", () => host.status().state === "active");
      assert.deepEqual((await host.call("file.list@1.0", { input: {} })).output["cids"], before);
    });

    it("keeps what every plugin promises", async () => {
      assert.deepEqual(
        (await runContract(host)).filter(({ kept }) => !kept),
        [],
      );
    });
  });
