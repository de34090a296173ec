import { configMistake } from "./config-mistake.ts";
import { TOKEN_MAX_TTL_SECONDS } from "./contract/index.ts";
import type { AuthConfig } from "./define-config.ts";

const FIELDS: { [K in keyof Required<AuthConfig>]: { fits: (value: unknown) => boolean; wants: string } } = {
  enabled: { fits: isFlag, wants: "true or false is expected" },
  defaultTtlSeconds: { fits: isLife, wants: "1 to 86400 seconds are expected" },
  maxTtlSeconds: { fits: isLife, wants: "1 to 86400 seconds are expected" },
  allowBearer: { fits: isFlag, wants: "true or false is expected" },
  federatedOnlyBearer: { fits: isFlag, wants: "true or false is expected" },
  remoteIssue: { fits: (value) => value === "members" || value === "off", wants: '"members" or "off" is expected' },
};

/** @throws bad_request naming the field @source 05 §8 */
export function readAuth(value: unknown): AuthConfig {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw configMistake("auth", `{ ${Object.keys(FIELDS).join(", ")} } is expected`);
  for (const [name, item] of Object.entries(value)) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof AuthConfig] : undefined;
    if (field === undefined)
      throw configMistake(`auth/${name}`, `there is no such setting; known are ${Object.keys(FIELDS).join(", ")}`);
    if (item !== undefined && !field.fits(item)) throw configMistake(`auth/${name}`, field.wants);
  }
  return value;
}

function isFlag(value: unknown): boolean {
  return typeof value === "boolean";
}

function isLife(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= TOKEN_MAX_TTL_SECONDS;
}
