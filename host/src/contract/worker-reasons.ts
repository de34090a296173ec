/** The rows of `REASONS` for workers. @source plugin-platform §4.4 */
export const WORKER_REASONS = {
  worker_cpu: {
    code: "timeout",
    message: "The work used up all the processor time that the plugin allows itself for one message.",
    action: "Give it less at a time; if that is not possible, tell the publisher.",
  },
  worker_closed: {
    code: "plugin_gone",
    message: "The worker that was held for this has ended.",
    action: "Open it again, and give it again what it needs to know.",
  },
  program_platform: {
    code: "not_implemented",
    message: "The plugin's program is built for another kind of machine.",
    action: "Ask its publisher for a version for this machine.",
  },
  program_absent: {
    code: "not_implemented",
    message: "The file with the plugin's program does not lie on this node.",
    action: "Install the plugin again while somebody who has the file can be reached.",
  },
  program_changed: {
    // To whoever calls it is as if the program were not here: neither their signature nor this release is at fault.
    code: "not_implemented",
    message: "The plugin's program on this disk is not the file that its publisher named, so it was not run.",
    action: "Remove the plugin and install it again; if this comes back, check the disk.",
  },
  program_undeclared: {
    code: "bad_request",
    message: "An asset holds machine code that the plugin's manifest does not say.",
    action: "Tell its publisher: name the file under `exec` of a worker, call it what it is (.so, .node), or leave it out.",
  },
} as const;
