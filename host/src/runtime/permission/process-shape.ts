import type { Grant } from "../../contract/index.ts";
import { GrantTable } from "./check.ts";

/** Rights that stand on the command line; equal texts mean that no restart is needed. */
export function shapesProcess(grants: readonly Grant[]): string {
  const table = new GrantTable(grants);
  return JSON.stringify([table.process(), table.scopes("fs.mount"), table.scopes("hw.gpu")]);
}
