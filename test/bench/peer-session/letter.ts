/** Where the called process of the peer-session measurement answers. */
export interface SessionPlaces {
  nodeId: string;
  ours: string;
  /** The bare echo. */
  tls: string;
}
