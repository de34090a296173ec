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
} as const;
