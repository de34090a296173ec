/** Reasons of the peer session, a part of the table in `reasons.ts`. @source network.md §1.8 */
export const SESSION_REASONS = {
  plugin_sockets_full: {
    code: "capacity_exceeded",
    message: "Too many WebSockets to this plugin are open.",
    action: "Close one that you no longer need, or try again later.",
  },
  websocket_only: {
    code: "bad_request",
    message: "This address speaks WebSocket and answers no plain request.",
    action: "Open a WebSocket there.",
  },
  call_malformed: {
    code: "bad_request",
    message: "The call on the peer session is malformed.",
    action: "Correct the named field and call again.",
  },
  frame_malformed: {
    code: "bad_request",
    message: "The other node sent something on the peer session that no sound node sends.",
    action: "Nothing; the connection is made anew. If it happens again, update the other node.",
  },
  frame_unproven: {
    code: "invalid_signature",
    message: "A frame of the peer session was altered, repeated or lost on its way.",
    action: "Nothing; the connection is made anew. If it happens again, look for a device between the nodes.",
  },
  handshake_unproven: {
    code: "invalid_signature",
    message: "The other node did not prove who it is when the peer session was opened.",
    action: "Do not use this address; check with the neighbour in person.",
  },
  credit_overdrawn: {
    code: "rate_limited",
    message: "The other node sent more than it was allowed to.",
    action: "Nothing; the connection is made anew. If it happens again, update the other node.",
  },
  seal_missing: {
    code: "invalid_signature",
    message: "The other node did not sign what it said on the peer session, or signed something else.",
    action: "Nothing; each call is signed by itself for an hour. If it happens again, update the other node.",
  },
  session_over: {
    code: "partition",
    message: "The connection ended before the answer came.",
    action: "Try again.",
  },
  session_refused: {
    code: "partition",
    message: "The other node does not open a peer session with this one.",
    action: "Wait until its next manifest, or ask its operator whether this node is a member there.",
  },
  key_conflict: {
    code: "partition",
    message: "Two running processes use the same node key, so the other node speaks to one of them only.",
    action: "Stop one of the two; a copied data folder needs a key of its own.",
  },
} as const;
