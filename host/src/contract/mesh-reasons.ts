/** Reasons of logs that are kept equal and of WebSockets between nodes, a part of the table in `reasons.ts`. @source 04 §8, 02 §8 */
export const MESH_REASONS = {
  disk_full: {
    code: "capacity_exceeded",
    message: "The disk is full, so nothing more can be stored.",
    action: "Free some space; what is stored already can still be read.",
  },
  proposal_invalid: {
    code: "bad_request",
    message: "This is no genuine request for signatures of this community.",
    action: "Copy the whole text, or have it made anew.",
  },
  proposal_expired: {
    code: "expired",
    message: "The request for signatures has run out.",
    action: "Have a new one made; signatures hold for a day.",
  },
  own_state_unconfirmed: {
    code: "partition",
    message: "This node has lost its own last events and has not heard of them from enough neighbours yet.",
    action: "Wait until two neighbours' nodes are reachable, then try again.",
  },
  log_being_read: {
    code: "capacity_exceeded",
    message: "This node has just started and still reads its log.",
    action: "Try again in a second.",
  },
  peer_backed_off: {
    code: "rate_limited",
    message: "Too much of what this node sent for the log was refused.",
    action: "Wait ten minutes; if it comes again, update the node or look at its clock.",
  },
  message_malformed: {
    code: "bad_request",
    message: "A message on this WebSocket has not the form of the protocol.",
    action: "Send text messages as the protocol describes them, numbered and within the window.",
  },
  not_streaming: {
    code: "bad_request",
    message: "This capability answers in one piece, and a WebSocket is for streams.",
    action: "Send it as an ordinary POST.",
  },
  sockets_full: {
    code: "capacity_exceeded",
    message: "Too many WebSockets that have not said who they are are open from your address.",
    action: "Send each one's first message at once, or use server-sent events.",
  },
  acks_missing: {
    code: "timeout",
    message: "What was sent was not acknowledged in time.",
    action: "Read faster, or ask for less.",
  },
} as const;
