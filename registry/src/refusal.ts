/** What a keeper of a registry or a publisher can mend. */
export class RegistryError extends Error {
  readonly reason: string;
  readonly action: string;

  constructor(message: string, o: { reason: string; action: string; cause?: unknown }) {
    super(message, o.cause === undefined ? undefined : { cause: o.cause });
    this.reason = o.reason;
    this.action = o.action;
  }
}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}
