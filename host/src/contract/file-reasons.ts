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
} as const;
