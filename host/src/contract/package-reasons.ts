/** Reasons of packages that come from neighbours, a part of the table in `reasons.ts`. @source marketplace §5 */
export const PACKAGE_REASONS = {
  nobody_has_it: {
    code: "partition",
    message: "The registry cannot be reached, and no neighbour in reach has what is needed.",
    action: "Wait until the internet is back or a neighbour's node that has it is in reach, or bring the package as a file.",
  },
  neighbours_damaged: {
    code: "bad_request",
    message: "What neighbours gave is not what the catalogue names, and nobody else in reach has it.",
    action: "Nothing was installed. Try again when another neighbour or the registry is in reach.",
  },
  package_absent: {
    code: "not_found",
    message: "This node has no such file to give.",
    action: "Ask another neighbour, or the registry itself.",
  },
  uploads_full: {
    code: "capacity_exceeded",
    message: "This node is giving as many files to neighbours as it does at once.",
    action: "Ask again in a few seconds, or ask another neighbour.",
  },
} as const;
