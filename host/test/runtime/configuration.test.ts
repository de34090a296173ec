import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { StoredRelease } from "../../src/contract/index.ts";
import { checkConfig, describeConfig, mergeSecrets, needsConfig } from "../../src/runtime/configuration.ts";
import { SecretBox } from "../../src/runtime/secrets.ts";

const RELEASE = {
  sha256: "00",
  manifest: {
    config: {
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["url"],
        properties: {
          url: { type: "string", "x-endpoint": true },
          dpi: { type: "integer", minimum: 72, default: 300 },
          backends: { type: "array", items: { type: "object", properties: { key: { type: "string", "x-secret": true } } } },
        },
      },
      secrets: ["/backends/*/key"],
    },
  },
} as unknown as StoredRelease;

test("fills defaults, names the faulty field, and asks for what is required", () => {
  assert.deepEqual(checkConfig(RELEASE, { url: "x" }, {}), { url: "x", dpi: 300 });
  assert.throws(() => checkConfig(RELEASE, { url: "x", dpi: 1 }, {}), { code: "schema_mismatch", paths: ["/dpi"] });
  assert.throws(() => checkConfig(RELEASE, { url: "x", more: 1 }, {}), { code: "schema_mismatch" });
  assert.equal(needsConfig(RELEASE, {}, {}), true);
  assert.equal(needsConfig(RELEASE, { url: "x" }, {}), false);
});

test("the plugin sees that a secret is set, never the secret (§2.4)", () => {
  const config = checkConfig(RELEASE, { url: "x", backends: [{}] }, { "/backends/0/key": "s3cret" });
  assert.deepEqual(config, { url: "x", dpi: 300, backends: [{ key: { secret: true } }] });
  const described = describeConfig(RELEASE, { value: { url: "x" }, version: 3 }, { "/backends/0/key": "s3cret" });
  assert.deepEqual(described.secretsSet, ["/backends/0/key"]);
  assert.ok(!JSON.stringify(described).includes("s3cret"));
});

test("a secret stays until it is replaced or emptied, and only declared places take one", () => {
  const before = { "/backends/0/key": "a" };
  assert.deepEqual(mergeSecrets(RELEASE, before, {}), before);
  assert.deepEqual(mergeSecrets(RELEASE, before, { "/backends/0/key": "b" }), { "/backends/0/key": "b" });
  assert.deepEqual(mergeSecrets(RELEASE, before, { "/backends/0/key": "" }), {});
  assert.throws(() => mergeSecrets(RELEASE, before, { "/url": "b" }), { code: "bad_request" });
  assert.throws(() => mergeSecrets(RELEASE, before, { "/backends/0/key/deeper": "b" }), { code: "bad_request" });
});

test("secrets at rest open only for their plugin, and only unchanged", () => {
  const folder = mkdtempSync(join(tmpdir(), "hn-secrets-"));
  try {
    const box = new SecretBox(join(folder, "key"));
    assert.equal(statSync(join(folder, "key")).mode & 0o777, 0o600);
    const sealed = box.seal("dev/a", { "/key": "hunter2" });
    assert.ok(!Buffer.from(sealed).includes("hunter2"));
    assert.deepEqual({ ...new SecretBox(join(folder, "key")).open("dev/a", sealed) }, { "/key": "hunter2" });
    assert.throws(() => box.open("dev/b", sealed), { code: "internal_error" });
    const altered = Uint8Array.from(sealed);
    altered[30] = (altered[30] ?? 0) ^ 1;
    assert.throws(() => box.open("dev/a", altered), { code: "internal_error" });
    assert.deepEqual(box.open("dev/a", new Uint8Array(0)), {});
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
