/** What goes to a worker and comes back: bytes end to end, which cost no copying on their way. */
export interface Batch {
  id: number;
  /** 32 bytes each. */
  keys: Uint8Array;
  /** 64 bytes each. */
  signatures: Uint8Array;
  lengths: Uint32Array;
  messages: Uint8Array;
}

/** 1 for a genuine signature. */
export interface Verdicts {
  id: number;
  verdicts: Uint8Array;
}
