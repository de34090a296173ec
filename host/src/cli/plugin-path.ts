import { UsageError } from "../command-line/index.ts";

/** `ns/name` as two path segments. */
export function pathOf(id: string | undefined): string {
  const match = /^([a-z][a-z0-9-]{1,38})\/([a-z][a-z0-9-]{1,38})$/.exec(id ?? "");
  if (match === null) throw new UsageError(`"${id ?? ""}" is not a plugin id. Example: hearthnet/ocr`);
  return `${match[1]}/${match[2]}`;
}
