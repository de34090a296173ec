import type { Profile } from "./contract/index.ts";

/** `hearthnet.config.ts`; every field is optional. @source marketplace §7, architecture §1 */
export interface NodeConfig {
  /** Display name, 1 to 64 characters. */
  name?: string;
  profile?: Exclude<Profile, "bridge">;
  /** Address of the bus listener. */
  listen?: string;
  port?: number;
  adminPort?: number;
  logLevel?: "debug" | "info" | "warn" | "error" | "silent";
}

/** Gives the file its types. */
export function defineConfig(config: NodeConfig): NodeConfig {
  return config;
}
