/** Something an author should know of. An error stops whoever publishes; a warning is advice. */
export interface Finding {
  level: "error" | "warning";
  where: string;
  message: string;
}

export const error = (where: string, message: string): Finding => ({ level: "error", where, message });
export const warning = (where: string, message: string): Finding => ({ level: "warning", where, message });
