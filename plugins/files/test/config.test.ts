/** The settings as spec and form have them. @source 30 §10 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { DEFAULTS } from "../src/config.ts";

/** Beside `accept_replicas`, which the spec writes as "true on anchor/hearth". */
const SPEC = {
  blobs_dir: "/data/blobs",
  gc_threshold: 0.8,
  gc_target: 0.7,
  min_free_bytes: 1_073_741_824,
  fetch_concurrency: 4,
  resume_partial_ttl_seconds: 3600,
  put_quota_bytes_per_member: 5_368_709_120,
  max_blob_bytes: 10_737_418_240,
  desired_copies: 3,
  accept_replicas: "auto",
  replica_budget_bytes: 10_737_418_240,
  replication_interval_seconds: 600,
  replication_bandwidth_kbps: 4096,
  at_rest: "personal",
  default_visibility: "community",
};

test("every setting of the spec is there with its default, in the form as in the code", () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "..", "hearthnet.plugin.json"), "utf8")) as {
    config: { schema: { properties: Record<string, { default?: unknown }> } };
  };
  const form = Object.entries(manifest.config.schema.properties).map(([name, field]) => [name, field.default]);
  assert.deepEqual(Object.fromEntries(form), DEFAULTS);
  assert.deepEqual({ ...SPEC, metered_link: false }, { ...DEFAULTS });
});
