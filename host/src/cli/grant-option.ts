import { UsageError } from "../command-line/index.ts";
import type { GrantInput, JsonObject } from "../contract/index.ts";
import { HnError, parseStrictJson } from "../foundation/index.ts";

/** `PERMISSION` or `PERMISSION=SCOPE`, the scope as JSON: a part of what the plugin asks for. @throws UsageError */
export function readGrant(text: string, mode: GrantInput["mode"]): GrantInput {
  const cut = text.indexOf("=");
  if (cut < 0) return { permission: text, mode };
  const permission = text.slice(0, cut);
  let scope: unknown;
  try {
    scope = parseStrictJson(text.slice(cut + 1));
  } catch (error) {
    throw new UsageError(`The scope of ${permission} is not valid JSON: ${HnError.from(error).message}`);
  }
  if (typeof scope !== "object" || scope === null || Array.isArray(scope))
    throw new UsageError(`The scope of ${permission} must be an object. Example: net.internet='{"hosts":["api.x.org:443"]}'`);
  return { permission, scope: scope as JsonObject, mode };
}

/** The options `--grant` and `--ask` together; undefined when neither was given. @throws UsageError */
export function readGrants(options: Record<string, unknown>): "all" | GrantInput[] | undefined {
  const [granted, asked] = [options["grant"], options["ask"]].map((value) => value as string[] | undefined);
  if (granted === undefined && asked === undefined) return undefined;
  if (granted?.includes("all") === true && asked === undefined) return "all";
  return [...(granted ?? []).map((text) => readGrant(text, "allow")), ...(asked ?? []).map((text) => readGrant(text, "ask"))];
}

/** Of `plugin install` and `plugin update`. */
export const GRANT_OPTIONS = {
  grant: {
    type: "string",
    multiple: true,
    value: "PERMISSION[=SCOPE]",
    help: "grant a permission, or a part of it with a scope as JSON; `all` grants what the manifest asks for",
  },
  ask: {
    type: "string",
    multiple: true,
    value: "PERMISSION[=SCOPE]",
    help: "be asked each time it wants to use this permission; see `hearthnet plugin ask`",
  },
  confirm: { type: "string", value: "ID", help: "needed when it is granted a permission of weight 4 or 5" },
  "old-catalogue": { type: "boolean", help: "also from a catalogue that has ended, for this one time" },
} as const;

/** `30m`, `12h`, `7d` from now, as Unix milliseconds. @throws UsageError */
export function readUntil(text: string, now: number): number {
  const match = /^(\d{1,4})([mhd])$/.exec(text);
  if (match === null) throw new UsageError("--for wants a time such as 30m, 12h or 7d.");
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as "m" | "h" | "d"];
  return now + Number(match[1]) * unit;
}
