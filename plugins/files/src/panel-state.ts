/** What the plugin tells its panel; read by both. */
export interface PanelState {
  usedBytes: number;
  /** Complete ones, private ones included. */
  files: number;
  locked: boolean;
  hasPassphrase: boolean;
  /** Blobs and chunks that are still to be brought into the form of the settings. */
  converting: number;
}

export interface PanelAnswer {
  /** False: the passphrase was not the right one. */
  ok: boolean;
  state: PanelState;
}
