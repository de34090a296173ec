/** The panel's passphrase: once set, private files are locked after every start until it is typed. @source 30 §7 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createTestHost } from "@hearthnet/sdk-plugin/testing";
import { readFile } from "./support/put-file.ts";

test("private files are locked after a start until the passphrase is typed, and shared ones go on", async () => {
  const host = await createTestHost({ dir: join(import.meta.dirname, ".."), mode: "inproc" });
  const ask = async (
    method: string,
    input: Record<string, string> = {},
  ): Promise<{ ok: boolean; locked: unknown; files: unknown }> => {
    const { ok, state } = (await host.panel("store", method, input)) as { ok: boolean; state: Record<string, unknown> };
    return { ok, locked: state["locked"], files: state["files"] };
  };
  const put = async (text: string, visibility: string): Promise<string> => {
    const body = { input: { data_b64: new TextEncoder().encode(text), visibility } };
    return (await host.call("file.put@1.0", body, { as: "self" })).output["cid"] as string;
  };
  try {
    const mine = await put("the doctor's letter", "private");
    const shared = await put("the street party", "community");
    assert.deepEqual(await ask("state"), { ok: true, locked: false, files: 2 });
    assert.equal((await ask("change", { present: "", next: "correct horse" })).ok, true);
    assert.equal(
      (await readFile(host, { cid: mine }, "self")).bytes.toString(),
      "the doctor's letter",
      "open until the next start",
    );
    await host.restart();
    assert.deepEqual(await ask("state"), { ok: true, locked: true, files: 2 });
    await assert.rejects(readFile(host, { cid: mine }, "self"), { code: "capacity_exceeded", reason: "locked" });
    await assert.rejects(readFile(host, { cid: mine }, "member"), { code: "not_found", reason: "blob_unknown" });
    assert.equal((await readFile(host, { cid: shared })).bytes.toString(), "the street party");
    assert.deepEqual(await ask("unlock", { passphrase: "wrong horse" }), { ok: false, locked: true, files: 2 });
    assert.equal((await ask("change", { present: "", next: "mine now" })).ok, false, "locked, nobody changes it");
    assert.deepEqual(await ask("unlock", { passphrase: "correct horse" }), { ok: true, locked: false, files: 2 });
    assert.equal((await readFile(host, { cid: mine }, "self")).bytes.toString(), "the doctor's letter");
    await assert.rejects(ask("unlock", {}), { code: "bad_request" });
    assert.ok(!host.logs().some(({ message }) => message.includes("horse")));
  } finally {
    await host.close();
  }
});
