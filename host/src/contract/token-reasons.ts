/** The rows of `REASONS` for capability tokens. @source 05 §3, §6 */
export const TOKEN_REASONS = {
  token_malformed: {
    code: "bad_request",
    message: "This is not a token of this network.",
    action: "Copy the whole text, from `hntoken://v1/` on, or ask its issuer for a new one.",
  },
  token_signature_bad: {
    code: "token_invalid",
    message: "The token was not signed by the node that it names, or was changed since.",
    action: "Copy it once more from where you got it; if that does not help, ask its issuer for a new one.",
  },
  token_scope_unknown: {
    code: "token_invalid",
    message: "The token carries a restriction that this node does not know, so it cannot keep to it.",
    action: "Update this node, or ask the issuer for a token without it.",
  },
  token_not_yet_valid: {
    code: "token_expired",
    message: "The token's time has not begun.",
    action: "Check the clocks of both devices; the token counts from the moment its issuer has named.",
  },
  token_audience_mismatch: {
    code: "unauthorized",
    message: "The token was made for another community or another node.",
    action: "Use it there, or ask its issuer for one for this node.",
  },
  token_issuer_revoked: {
    code: "revoked",
    message: "Whoever issued the token, or asked for it, was revoked.",
    action: "Ask another member for a new token.",
  },
  token_issuer_unknown: {
    code: "token_invalid",
    message: "Whoever issued the token does not belong to this community.",
    action: "Ask a member of this community for a token.",
  },
  token_subject_mismatch: {
    code: "invalid_signature",
    message: "The token belongs to another device than the one that signed the request.",
    action: "Call from the device that the token names, or ask for a token for this one.",
  },
  bearer_refused: {
    code: "token_invalid",
    message: "A token for whoever holds it does not count here, or not in this form.",
    action: "Ask for a token that names your device; `hearthnet status` shows its id.",
  },
  token_chain: {
    code: "unauthorized",
    message: "Whoever is here through a token may not issue or revoke tokens, nor change members or links.",
    action: "Ask a member to do it.",
  },
  token_not_here: {
    code: "token_scope_insufficient",
    message: "Tokens count for calls of capabilities only, not at this address.",
    action: "Leave the token out; as a member you do not need it here.",
  },
  token_limit: {
    code: "rate_limited",
    message: "The token allows no more calls in this minute.",
    action: "Wait for the stated time, then try again.",
  },
  token_used_up: {
    code: "token_scope_insufficient",
    message: "All calls that the token allows have been made.",
    action: "Ask its issuer for a new token.",
  },
  token_counters_full: {
    code: "capacity_exceeded",
    message: "This node counts the calls of as many tokens as it can.",
    action: "Wait until some of them have run out, or ask for a token without a number of calls.",
  },
  token_level_lost: {
    code: "unauthorized",
    message: "Whoever issued the token has a lower level now than when this began.",
    action: "Ask somebody of the needed level for a token.",
  },
  token_beyond_rights: {
    code: "token_scope_insufficient",
    message: "A token cannot allow what whoever asks for it may not do themselves, nor what cannot be handed on.",
    action: "Leave out what is too much, or ask a member with more rights.",
  },
  token_issue_limit: {
    code: "rate_limited",
    message: "Too many tokens were asked for within the last hour.",
    action: "Wait a little, or use the tokens that you have.",
  },
  token_not_yours: {
    code: "unauthorized",
    message: "Only whoever asked for a token, its issuer or a trusted member can revoke it.",
    action: "Ask a trusted member of the community.",
  },
  client_id_reused: {
    code: "bad_request",
    message: "This client_id belongs to another request.",
    action: "Make a new one for every request that is not the same, sent again.",
  },
  remote_issue_off: {
    code: "unauthorized",
    message: "This node signs tokens for its own operator only.",
    action: "Issue the token on your own node.",
  },
} as const;
