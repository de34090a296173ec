import type { Visibility } from "@hearthnet/sdk-plugin";
import type { Manifest as Typed } from "./hn-types.ts";

/** The settings as the form has them. @source 30 §10 */
export type FilesConfig = Typed["config"];

/** What is taken where a setting is left out; equal to the defaults of the form. */
export const DEFAULTS: FilesConfig = {
  blobs_dir: "/data/blobs",
  default_visibility: "community" satisfies Visibility,
  at_rest: "personal",
  min_free_bytes: 1_073_741_824,
  gc_threshold: 0.8,
  gc_target: 0.7,
  max_blob_bytes: 10_737_418_240,
  put_quota_bytes_per_member: 5_368_709_120,
  resume_partial_ttl_seconds: 3600,
  fetch_concurrency: 4,
  desired_copies: 3,
  accept_replicas: "auto",
  replica_budget_bytes: 10_737_418_240,
  replication_interval_seconds: 600,
  replication_bandwidth_kbps: 4096,
  metered_link: false,
};
