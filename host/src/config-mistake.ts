import { HnError } from "./foundation/index.ts";

/** A line of the configuration that cannot be followed. @param field  its place, as `registries/0/url` */
export function configMistake(field: string, what: string): HnError {
  return new HnError("bad_request", {
    message: `hearthnet.config.ts, "${field}": ${what}.`,
    action: "Correct the line, or delete it to take the default.",
    paths: [`/${field}`],
  });
}
