/** Reasons of text recognition, a part of the table in `reasons.ts`. @source 22 §1 */
export const READING_REASONS = {
  language_unsupported: {
    code: "bad_request",
    message: "This language is not installed for text recognition.",
    action: "Choose an installed language.",
  },
  source: {
    code: "bad_request",
    message: "Exactly one picture or document is needed.",
    action: "Send either the file itself or the id of a stored one.",
  },
  decode_failed: {
    code: "bad_request",
    message: "This is not a picture or document that can be read.",
    action: "Send a PDF, or a picture as PNG, JPEG, WebP, BMP, TIFF or PNM; save it anew if it is damaged.",
  },
  backend_unknown: {
    code: "not_found",
    message: "There is no text recognition engine by that name.",
    action: "Leave `backend` out, or choose one that is listed.",
  },
  pdf_encrypted: {
    code: "bad_request",
    message: "The PDF is protected, and this password does not open it.",
    action: "Send the right password along, or save the file without protection.",
  },
  too_many_pages: {
    code: "bad_request",
    message: "These are more pages than one call reads.",
    action: "Ask for a part with `page_range`, then go on at `more_from`.",
  },
  page_out_of_range: {
    code: "bad_request",
    message: "The document does not have these pages.",
    action: "Pages count from 1; name either `page_range` or `pages`.",
  },
  page_timeout: {
    code: "timeout",
    message: "The page took longer to read than this node allows.",
    action: "Send it smaller, or leave it out.",
  },
} as const;
