/** The rows of `REASONS` for files by their content. @source 30 §2, §7 */
export const FILE_REASONS = {
  blob_unknown: {
    code: "not_found",
    message: "There is no such file here.",
    action: "Ask whoever shared it whether it still exists.",
  },
  hash_mismatch: {
    code: "bad_request",
    message: "What was sent is not what the file's description says.",
    action: "Read the file again and send only the chunks that were asked for.",
  },
  member_quota_full: {
    code: "capacity_exceeded",
    message: "You have stored as much here as one member may.",
    action: "Ask for some of it to be deleted, or use another node.",
  },
  locked: {
    code: "capacity_exceeded",
    message: "Private files are locked on this node.",
    action: "Open the store with its passphrase on the plugin's page.",
  },
  upload_expired: {
    code: "expired",
    message: "There is no upload here that could go on.",
    action: "Start it anew with `file.put`.",
  },
  fetch_failed: {
    code: "partition",
    message: "No node that can be reached could give all of the file.",
    action: "Ask whoever shared it to switch their node on, then fetch it again: what came is kept.",
  },
  replica_refused: {
    code: "capacity_exceeded",
    message: "This node has no room left for copies of neighbours' files.",
    action: "Raise the room for copies in the settings of the files plugin, or leave the copy to another node.",
  },
} as const;
