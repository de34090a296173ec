// Made by `hearthnet plugin types` from hearthnet.plugin.json and its schemas.

export interface Manifest {
  config: {
    /** Where the files lie */
    blobs_dir: "/data/blobs" | "/mnt/blobs";
    /** Who sees a new file */
    default_visibility: "private" | "community" | "public";
    /** Encrypt files on the disk */
    at_rest: "off" | "personal" | "all";
    /** Always leave free (bytes) */
    min_free_bytes: number;
    /** Make room above this share of the disk */
    gc_threshold: number;
    /** Stop making room below this share */
    gc_target: number;
    /** Largest file (bytes) */
    max_blob_bytes: number;
    /** What each member may store here (bytes) */
    put_quota_bytes_per_member: number;
    /** Keep half of an upload for (seconds) */
    resume_partial_ttl_seconds: number;
    /** Streams at once when fetching a file */
    fetch_concurrency: number;
    /** Copies wanted of shared and pinned files */
    desired_copies: number;
    /** Keep copies of neighbours' files */
    accept_replicas: "auto" | "yes" | "no";
    /** For neighbours' copies at most (bytes) */
    replica_budget_bytes: number;
    /** Look after copies every (seconds) */
    replication_interval_seconds: number;
    /** Speed for copies (kbit/s) */
    replication_bandwidth_kbps: number;
    /** Every megabyte of this node's connection counts */
    metered_link: boolean;
  };
  capabilities: {
    "file.read@1.0": {
      params: Record<string, never>;
      input: {
        cid: string;
        chunks?: number[];
        from?: number;
        describe?: boolean;
      };
      output: {
        cid: string;
        size_bytes: number;
        data_b64: string;
      };
    };
    "file.list@1.0": {
      params: Record<string, never>;
      input: {
        prefix?: string;
        limit?: number;
        after?: string;
      };
      output: {
        cids: string[];
        next?: string;
      };
    };
    "file.advertise@1.0": {
      params: Record<string, never>;
      input: {
        cids: string[];
      };
      output: {
        recorded: number;
      };
    };
    "file.put@1.0": {
      params: Record<string, never>;
      input: {
        data_b64?: string;
        filename?: string;
        mime_type?: string;
        visibility?: "private" | "community" | "public";
        pin?: boolean;
        client_id?: string;
        manifest?: {
          cid: string;
          size_bytes: number;
          chunk_size_bytes: 262144;
          chunk_count?: number;
          chunks: {
            i: number;
            cid: string;
            size_bytes: number;
          }[];
          mime_type?: string;
          filename?: string;
        };
      };
      output: {
        cid: string;
        size_bytes: number;
      };
    };
    "file.put.resume@1.0": {
      params: Record<string, never>;
      input: {
        manifest_cid: string;
        client_id: string;
      };
      output: object;
    };
    "file.stat@1.0": {
      params: Record<string, never>;
      input: {
        cid: string;
      };
      output: {
        have: boolean;
        complete: boolean;
        missing: number[];
        pinned: boolean;
        visibility: "private" | "community" | "public";
        size_bytes: number;
        mime_type?: string;
        filename?: string;
        meta?: Record<string, unknown>;
        encrypted: boolean;
        replicas?: number;
      };
    };
    "file.browse@1.0": {
      params: Record<string, never>;
      input: {
        query?: string;
        after?: string;
        limit?: number;
      };
      output: {
        items: {
          cid: string;
          size_bytes: number;
          filename?: string;
          mime_type?: string;
          visibility: "private" | "community" | "public";
          pinned: boolean;
          complete: boolean;
          origin: "put" | "fetched" | "replica";
          created_at: number;
          holders: string[];
          wanted_copies: number;
        }[];
        next?: string;
        used_bytes: number;
        free_bytes: number;
        limit_bytes: number;
        max_blob_bytes: number;
        default_visibility: "private" | "community" | "public";
        locked: boolean;
        replication: {
          accepts: boolean;
          kept_bytes: number;
          budget_bytes: number;
          kbps: number;
          resting: boolean;
        };
      };
    };
    "file.pin@1.0": {
      params: Record<string, never>;
      input: {
        cid: string;
      };
      output: {
        pinned: boolean;
      };
    };
    "file.unpin@1.0": {
      params: Record<string, never>;
      input: {
        cid: string;
      };
      output: {
        pinned: boolean;
      };
    };
    "file.delete@1.0": {
      params: Record<string, never>;
      input: {
        cid: string;
      };
      output: {
        deleted: boolean;
        freed_bytes: number;
      };
    };
    "file.fetch@1.0": {
      params: Record<string, never>;
      input: {
        cid: string;
        sources?: string[];
        priority?: "low" | "normal" | "high";
      };
      output: object;
    };
    "file.share@1.0": {
      params: Record<string, never>;
      input: {
        cid: string;
        visibility: "private" | "community" | "public";
      };
      output: {
        event_id?: string;
      };
    };
  };
}
