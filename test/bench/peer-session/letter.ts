/** Where the called process of the peer-session measurement answers. */
export interface SessionPlaces {
  nodeId: string;
  ours: string;
  /** The bare echo. */
  tls: string;
  /** The same bytes as a bare answer of `node:https`. */
  bytes: string;
}

/** Streams pieces of bytes from the called process. */
export const BYTES = "ext.bench.bytes";
export const PIECE_BYTES = 262_144;
