/**
 * Machine-readable sub-codes. New detail becomes a reason, not a code. `HnError` takes its default text from here, then from `ERRORS`.
 * Rows are sorted by the room that raises them.
 * @source codebase §7
 */
import type { AnyErrorCode } from "./errors.ts";
import { DHT_REASONS } from "./dht-reasons.ts";
import { FILE_REASONS } from "./file-reasons.ts";
import { MESH_REASONS } from "./mesh-reasons.ts";
import { PACKAGE_REASONS } from "./package-reasons.ts";
import { READING_REASONS } from "./reading-reasons.ts";
import { SESSION_REASONS } from "./session-reasons.ts";
import { TOKEN_REASONS } from "./token-reasons.ts";
import { WORKER_REASONS } from "./worker-reasons.ts";

export interface ReasonRow {
  code: AnyErrorCode;
  message: string;
  action: string;
}

const ROWS = {
  // foundation
  json_invalid: { code: "bad_request", message: "This is not valid JSON.", action: "Send one JSON value in UTF-8." },
  json_duplicate_key: { code: "bad_request", message: "A JSON object names the same key twice.", action: "Send each key once." },
  json_too_deep: { code: "bad_request", message: "The JSON is nested too deeply.", action: "Flatten it to at most 64 levels." },
  json_unsafe_number: {
    code: "bad_request",
    message: "A number cannot be represented exactly.",
    action: "Send large numbers as strings.",
  },
  json_forbidden_key: { code: "bad_request", message: "The JSON uses a key that is not allowed.", action: "Rename the key." },
  too_large: { code: "bad_request", message: "This is larger than allowed.", action: "Send less, or split it." },
  db_corrupt: {
    code: "internal_error",
    message: "The database on disk is damaged.",
    action: "Restore a backup, or move the file away to start anew.",
  },
  // identity
  bad_node_id: {
    code: "bad_request",
    message: "This is not a node id.",
    action: "A node id is `ed25519:` and 43 letters, digits, `-` or `_`; copy it whole.",
  },
  keys_missing: { code: "not_found", message: "This node has no key yet.", action: "Start the node once with `hearthnet up`." },
  keys_invalid: {
    code: "internal_error",
    message: "The key file of this node is damaged.",
    action: "Restore `keys/device.ed25519` from a backup; a new key is a new identity.",
  },
  keys_permissions: {
    code: "internal_error",
    message: "Other users of this machine can read the node's key.",
    action: "Run `chmod 600` on `keys/device.ed25519` and `chmod 700` on `keys`.",
  },
  bad_manifest: { code: "bad_request", message: "The node's self-description is malformed.", action: "Update the other node." },
  invite_invalid: {
    code: "bad_request",
    message: "This is not a genuine invitation.",
    action: "Copy the whole text, or ask for a new one.",
  },
  invite_expired: { code: "expired", message: "The invitation has run out.", action: "Ask your neighbour for a new one." },
  invitee_mismatch: {
    code: "unauthorized",
    message: "The invitation was made for another device.",
    action: "Ask for one made for this device's id.",
  },
  passphrase_wrong: {
    code: "unauthorized",
    message: "The passphrase does not open this file.",
    action: "Try again; without the passphrase the file cannot be opened by anyone.",
  },
  // community
  bootstrap_unreachable: {
    code: "partition",
    message: "None of the addresses in the invitation answers.",
    action: "Join while your neighbour's node is switched on and on the same network.",
  },
  community_manifest_invalid: {
    code: "invalid_signature",
    message: "The community's description does not belong to the invitation.",
    action: "Ask for a new invitation; do not use this address.",
  },
  sync_failed: { code: "partition", message: "The community's log could not be read completely.", action: "Try to join again." },
  already_member: {
    code: "bad_request",
    message: "This node already belongs to a community.",
    action: "Leave it first with `hearthnet leave`.",
  },
  no_community: {
    code: "not_found",
    message: "This node belongs to no community yet.",
    action: "Create one, or join with an invitation.",
  },
  no_invite_right: {
    code: "unauthorized",
    message: "You may not invite to this level.",
    action: "Ask a trusted member to invite.",
  },
  co_signer_insufficient: {
    code: "unauthorized",
    message: "Not enough members have signed this.",
    action: "Collect the missing signatures.",
  },
  unknown_author: {
    code: "unauthorized",
    message: "The author of this event is not known here.",
    action: "Synchronise again; the invitation may still be on its way.",
  },
  revoked_author: {
    code: "revoked",
    message: "The author of this event was revoked before it.",
    action: "Nothing; the event is refused everywhere.",
  },
  out_of_order: {
    code: "bad_request",
    message: "The event's position is out of bounds.",
    action: "Check the clock and version of the other node.",
  },
  // bus
  schema_invalid: {
    code: "bad_request",
    message: "The capability's schema is not in the allowed subset.",
    action: "See docs/guide for the allowed keywords.",
  },
  namespace_violation: {
    code: "bad_request",
    message: "The capability's name is outside what its owner may register.",
    action: "Use a granted prefix.",
  },
  route_taken: {
    code: "bad_request",
    message: "Another plugin answers at this address already.",
    action: "Remove the other plugin first, or keep only one of the two.",
  },
  hops_exceeded: {
    code: "bad_request",
    message: "The call was passed on too often.",
    action: "Look for plugins that call each other in a circle.",
  },
  slots_full: {
    code: "capacity_exceeded",
    message: "Every place for this capability is taken.",
    action: "Wait for the stated time, or use another node.",
  },
  provider_unreachable: {
    code: "partition",
    message: "The node that offers this does not answer.",
    action: "Check that it is switched on, then try again.",
  },
  stream_cut: { code: "partition", message: "The connection ended in the middle of the answer.", action: "Try again." },
  // transport
  header_missing: {
    code: "bad_request",
    message: "A required header is missing or malformed.",
    action: "Send every X-HearthNet header exactly once.",
  },
  clock_skew: {
    code: "expired",
    message: "The clocks of the two nodes differ by more than two minutes.",
    action: "Set the clock of this device, then try again.",
  },
  replayed: {
    code: "invalid_signature",
    message: "This request was already received once.",
    action: "Sign a new request for every attempt.",
  },
  wrong_recipient: {
    code: "invalid_signature",
    message: "The request was signed for another node.",
    action: "Send it to the node it was signed for.",
  },
  recipient_unbound: {
    code: "invalid_signature",
    message: "The request does not name its recipient.",
    action: "Sign the recipient's id into the request.",
  },
  restart_window: {
    code: "expired",
    message: "The node has just restarted and cannot rule out a repeated request.",
    action: "Send a new request in two minutes.",
  },
  tls_mismatch: {
    code: "invalid_signature",
    message: "The other side's certificate does not belong to the node id.",
    action: "Do not trust this address; ask your neighbour for the right one.",
  },
  response_unsigned: {
    code: "invalid_signature",
    message: "The answer carries no valid signature.",
    action: "Update the other node, or stop using it.",
  },
  response_stale: {
    code: "invalid_signature",
    message: "The answer's time is more than two minutes off.",
    action: "Set the clocks of both devices, then try again.",
  },
  tokens_unsupported: {
    code: "not_implemented",
    message: "This node takes no tokens: its operator has switched them off.",
    action: "Call as a member, without a token.",
  },
  contract_version: {
    code: "schema_mismatch",
    message: "The asked contract version is not known here.",
    action: "Ask for 1.0 or leave it out.",
  },
  upgrade_unsupported: {
    code: "bad_request",
    message: "This kind of connection is not offered.",
    action: "Use HTTP with server-sent events.",
  },
  closing: {
    code: "partition",
    message: "The node is being stopped and takes no new calls.",
    action: "Try again in a moment, or use another node.",
  },
  // format and marketplace: one reason per class of marketplace §5.1, never merged
  damaged: {
    code: "bad_request",
    message: "The download is incomplete or was altered on the way.",
    action: "Download it again, if possible from another source.",
  },
  dev_release: {
    code: "bad_request",
    message: "This package is a release of an author's session; it is for no other node and cannot be published.",
    action: "Give the plugin a name of a namespace that is yours, pack it and sign it.",
  },
  unsigned: {
    code: "invalid_signature",
    message: "The package carries no publisher signature.",
    action: "Ask the publisher for a signed package.",
  },
  wrong_key: {
    code: "invalid_signature",
    message: "The package is signed, but not by the publisher who owns this name.",
    action: "Do not install it; tell the registry's owner.",
  },
  tampered: {
    code: "invalid_signature",
    message: "A file inside the package differs from what the publisher signed.",
    action: "Do not install it; get the package from its registry.",
  },
  catalogue_expired: {
    code: "expired",
    message: "The catalogue is out of date and no source has a newer one.",
    action: "Connect to the registry, or allow the old catalogue for this one operation.",
  },
  rolled_back: {
    code: "invalid_signature",
    message: "This version is older than one already seen.",
    action: "Install the newest version; to go back, use rollback.",
  },
  package_revoked: {
    code: "revoked",
    message: "This version was withdrawn because it is dangerous.",
    action: "Install a newer version.",
  },
  yanked: { code: "bad_request", message: "The publisher has withdrawn this version.", action: "Install another version." },
  incompatible: {
    code: "not_implemented",
    message: "The plugin does not fit this node.",
    action: "See which requirement is not met; update the node or choose another version.",
  },
  policy: {
    code: "unauthorized",
    message: "A rule of this node's owner forbids this plugin.",
    action: "Change the rule in hearthnet.config.ts if you want it.",
  },
  clock: { code: "expired", message: "The clock of this device is behind.", action: "Set the clock, then try again." },
  unreachable: {
    code: "partition",
    message: "No registry answers.",
    action: "Check the connection; what is installed keeps working.",
  },
  archive_path: {
    code: "bad_request",
    message: "The package contains a path that leads outside or is not allowed.",
    action: "Do not use it; tell whoever gave it to you.",
  },
  native_undeclared: {
    code: "bad_request",
    message: "The package holds machine code and does not ask for the right to run it.",
    action: 'Tell its publisher: leave the files out, or set tier.native and ask for the permission "native".',
  },
  archive_limits: {
    code: "bad_request",
    message: "The package is larger, deeper or denser than allowed.",
    action: "Ask the publisher to move large files into assets.",
  },
  manifest_invalid: {
    code: "bad_request",
    message: "The plugin's manifest is not valid.",
    action: "Run `hearthnet plugin validate` and correct the named fields.",
  },
  // runtime
  start_failed: { code: "plugin_gone", message: "The plugin did not start.", action: "Look at its log." },
  crash_looped: {
    code: "plugin_gone",
    message: "The plugin crashed too often and was stopped.",
    action: "Look at its log, then start it again by hand.",
  },
  hung: {
    code: "plugin_gone",
    message: "The plugin stopped answering and was ended.",
    action: "It is restarted by itself; look at its log if it happens again.",
  },
  over_quota: {
    code: "quota_exceeded",
    message: "The plugin used more memory than its limit and was ended.",
    action: "Raise its memory limit or give it less work.",
  },
  data_full: {
    code: "quota_exceeded",
    message: "The plugin's data folder holds more than it may, so the plugin was stopped.",
    action: "Start it again if it can make room by itself, grant it more, or remove it with its data.",
  },
  mount_refused: {
    code: "bad_request",
    message: "This folder cannot be lent to a plugin.",
    action:
      "Name one that exists and holds nothing of the system or of this node: `hearthnet plugin grant ID fs.mount --folder /srv/photos`.",
  },
  data_copy_failed: {
    code: "internal_error",
    message: "The plugin's data could not be copied for the new version.",
    action: "Look whether the disk has room; the version before runs on with its data.",
  },
  migration_failed: {
    code: "plugin_gone",
    message: "The plugin could not open its data.",
    action: "Look at its log and tell its publisher. The data are as the version before left them.",
  },
  data_too_new: {
    code: "bad_request",
    message: "The plugin's data were written by a newer version that this one cannot read.",
    action: "Install the newer version, or remove the plugin with its data first.",
  },
  return_waits: {
    code: "plugin_gone",
    message: "The new version was stopped, and the one before can come back only with the data of then.",
    action: "Go back with `hearthnet plugin rollback`, or start the new version again with `hearthnet plugin restart`.",
  },
  egress_used_up: {
    code: "quota_exceeded",
    message: "The plugin has sent as much over the network within the last hour as it may.",
    action: "Wait, or raise its limit egressMbPerHour.",
  },
  host_unreachable: {
    code: "partition",
    message: "The server cannot be reached.",
    action: "Check its address, that it is switched on, and this node's connection.",
  },
  tls_untrusted: {
    code: "partition",
    message: "The server's certificate cannot be trusted.",
    action: "Check the address and this node's clock; the server may need a new certificate.",
  },
  calls_per_minute: {
    code: "quota_exceeded",
    message: "The plugin has made as many calls in this minute as it may.",
    action: "Wait for the stated time; calls of its own accord are limited to 600 a minute.",
  },
  tokens_per_minute: {
    code: "quota_exceeded",
    message: "The plugin has used as many tokens in this minute as its permission allows.",
    action: "Wait for the stated time, or grant it more tokens a minute.",
  },
  cpu_limit: {
    code: "quota_exceeded",
    message: "The plugin has used all of its processor time for more than a minute.",
    action: "Give it less work, raise its processor limit, or restart it if it does nothing useful.",
  },
  worker_crashed: {
    code: "internal_error",
    message: "The part that was working on this broke down.",
    action: "Try again; if it happens again with the same input, report it to the publisher.",
  },
  confinement_missing: {
    code: "confinement",
    message: "This machine cannot confine plugins, so only first-party plugins run.",
    action: "Install bubblewrap: on Debian and Ubuntu `sudo apt install bubblewrap`.",
  },
  confinement_lowered: {
    code: "confinement",
    message: "The plugin ran confined before and would now run with less protection.",
    action: "Mend the confinement, see the health page.",
  },
  protocol_error: {
    code: "plugin_gone",
    message: "The plugin broke the protocol and was ended.",
    action: "Report it to the publisher.",
  },
  probe_failed: {
    code: "plugin_gone",
    message: "The new version started, but it cannot take over.",
    action: "Nothing has changed; report it to the publisher.",
  },
  not_kept: {
    code: "not_found",
    message: "This version is not kept on this node.",
    action: "Go back to one that is kept, or install this version from the catalogue.",
  },
  trial_run: {
    code: "unauthorized",
    message: "The plugin is in a trial run and answers only this node's operator.",
    action: "Wait until the trial run is over; at most a day.",
  },
  no_trial: { code: "not_found", message: "No trial run of this plugin goes on.", action: "Start one on its page." },
  proposal_stale: {
    code: "expired",
    message: "The plugin has used more since the proposal was shown.",
    action: "Look at the new proposal, then accept it.",
  },
  question_gone: {
    code: "not_found",
    message: "This question is not open any more: it was answered, or its 30 seconds are over.",
    action: "Wait for the plugin to ask again, or change its permissions.",
  },
  role_taken: {
    code: "bad_request",
    message: "Another plugin has this role.",
    action: "Name the plugin that gives it up as well.",
  },
  needed_by: { code: "bad_request", message: "Another plugin needs this one.", action: "Remove that one first." },
  disabled: { code: "not_found", message: "The plugin is switched off.", action: "Enable it on its page." },
  // models and files
  model_missing: { code: "not_implemented", message: "A model file is missing.", action: "Install it from the plugin's page." },
  blob_store_missing: {
    code: "not_implemented",
    message: "This node has no file store yet.",
    action: "Send the bytes inline, or install the files plugin.",
  },
  // sessions of authors
  dev_off: {
    code: "unauthorized",
    message: "This node takes no plugins from an author's session.",
    action: "Start it with `hearthnet up --dev`, or set `dev: true` in hearthnet.config.ts.",
  },
  dev_taken: {
    code: "bad_request",
    message: "Another session is at work on a plugin of this name.",
    action: "End that one first with Ctrl-C in its terminal.",
  },
  // what a plugin shares
  caller_right: {
    code: "unauthorized",
    message: "Whoever asks may not see or change this, and a plugin may not do it for them.",
    action: "Ask as a member of the community, or as this node's owner.",
  },
  blob_altered: {
    code: "internal_error",
    message: "The file store gave other bytes than those that were asked for.",
    action: "Look at the file store's log; the file may be damaged on disk.",
  },
  low_order_point: {
    code: "bad_request",
    message: "This key would make the shared secret known to everybody.",
    action: "Take the other side's key from its node id.",
  },
  not_shown: {
    code: "not_implemented",
    message: "This document is signed only after the node's owner has seen it, and this node cannot show it yet.",
    action: "Wait for a version that can.",
  },
  // admin and command line
  already_set_up: {
    code: "bad_request",
    message: "This node is already set up.",
    action: "Sign in, or run `hearthnet setup` in the terminal to reset the sign-in.",
  },
  setup_token: {
    code: "expired",
    message: "The set-up link is used up or too old.",
    action: "Run `hearthnet setup` in the terminal for a new one.",
  },
  not_set_up: {
    code: "unauthorized",
    message: "This node is not set up yet.",
    action: "Open the set-up link that the terminal shows.",
  },
  signed_out: { code: "unauthorized", message: "You are not signed in.", action: "Sign in." },
  password_wrong: {
    code: "unauthorized",
    message: "The password is not right.",
    action: "Try again; `hearthnet setup` in the terminal resets it.",
  },
  password_weak: { code: "bad_request", message: "The password is too short.", action: "Use at least 12 characters." },
  step_up_required: {
    code: "unauthorized",
    message: "This step needs your password once more.",
    action: "Confirm with your password.",
  },
  cross_site: {
    code: "unauthorized",
    message: "The request came from another site.",
    action: "Open the page at its own address.",
  },
  wrong_host: {
    code: "bad_request",
    message: "The page was opened under a name that is not its own.",
    action: "Open it under the address that the terminal shows.",
  },
  review_stale: { code: "expired", message: "The package changed while you were reading.", action: "Read the review again." },
  etag_stale: {
    code: "expired",
    message: "Somebody else changed this in the meantime.",
    action: "Load it again and repeat your change.",
  },
  consent_required: {
    code: "unauthorized",
    message: "This plugin asks for a powerful permission.",
    action: "Confirm by typing the plugin's name (`--confirm ID`).",
  },
  node_not_running: {
    code: "partition",
    message: "No node is running with this data folder.",
    action: "Start it with `hearthnet up`, or name another folder with `--data`.",
  },
  data_locked: {
    code: "bad_request",
    message: "Another node is already running with this data folder.",
    action: "Stop it first, or choose another folder with `--data`.",
  },
  port_taken: {
    code: "bad_request",
    message: "The port is already in use.",
    action: "Choose another with `--port` or `--admin-port`; 0 lets the system choose.",
  },
  usage: { code: "bad_request", message: "The command is not complete.", action: "See `hearthnet --help`." },
} as const;

/** All of them. */
export const REASONS: typeof ROWS &
  typeof DHT_REASONS &
  typeof FILE_REASONS &
  typeof MESH_REASONS &
  typeof PACKAGE_REASONS &
  typeof READING_REASONS &
  typeof SESSION_REASONS &
  typeof TOKEN_REASONS &
  typeof WORKER_REASONS = {
  ...ROWS,
  ...DHT_REASONS,
  ...FILE_REASONS,
  ...MESH_REASONS,
  ...PACKAGE_REASONS,
  ...READING_REASONS,
  ...SESSION_REASONS,
  ...TOKEN_REASONS,
  ...WORKER_REASONS,
};

type CheckedReasons<T extends Record<string, ReasonRow>> = T;
export type ReasonTable = CheckedReasons<typeof REASONS>;

export type Reason = keyof typeof REASONS;
