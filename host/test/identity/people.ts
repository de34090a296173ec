import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { HnError } from "../../src/foundation/index.ts";
import { type CommunityFacts, importSeed, type ManifestFacts, Signer } from "../../src/identity/index.ts";

/** A fixed device per number; never used elsewhere. */
export function device(n: number): Signer {
  const { nodeId, key } = importSeed(new Uint8Array(32).fill(n));
  return new Signer(nodeId, key);
}

export const NOW: number = Date.UTC(2026, 6, 1, 12);

export function facts(change: Partial<ManifestFacts> = {}): ManifestFacts {
  return {
    display_name: "garage-pc",
    community_id: device(3).nodeId,
    profile: "anchor",
    endpoints: [{ transport: "https", host: "192.0.2.25", port: 7080 }],
    hardware: { gpu: null, vram_gb: 0, ram_gb: 8, cpu_cores: 4, disk_free_gb: 120 },
    capabilities: [],
    uptime_seconds: 43_210,
    load: { cpu: 0.12, in_flight_total: 0 },
    ...change,
  };
}

/** A community of `root` in which nobody is yet. */
export function communityFacts(root: string, change: Partial<CommunityFacts> = {}): CommunityFacts {
  return {
    community_id: root,
    name: "Mühlenstraße",
    created_at: "2026-07-01T12:00:00Z",
    policy: {
      min_signatures_to_invite: 1,
      min_signatures_to_demote: 2,
      min_signatures_to_revoke: 3,
      capability_token_ttl_seconds: 3600,
      federation_enabled: false,
      default_member_can_invite: true,
    },
    members: [],
    revoked: [],
    head_lamport: 0,
    ...change,
  };
}

export function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "hn-identity-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** For `assert.throws` and `assert.rejects`: a coded refusal whose text tells no path. */
export function refused(code: string, reason?: string): (error: unknown) => boolean {
  return (error) =>
    HnError.isHnError(error) &&
    error.code === code &&
    (reason === undefined || error.reason === reason) &&
    error.action.length > 0 &&
    !error.message.includes(tmpdir());
}
