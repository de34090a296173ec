/** A plugin's own folder and what lies in it, from the moment on that the host has opened it. @source plugin-platform §4.3, §6.4.8 */
import type { PluginFacts } from "@hearthnet/host/contract";
import type { Database, Files, GrantView } from "../context.ts";
import type { DataDefinition, DataStep } from "../definition.ts";
import { HnError } from "../error.ts";

/** What a process can do with files that an isolate cannot. */
export type OpenDatabase = (path: string) => Database | null;

export interface DataSide {
  files: Files;
  sql(name: string): Promise<Database>;
  /** From now on there are data. */
  open(): void;
  close(): void;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** @param openDatabase  gives null where `node:sqlite` is not to be had */
export function openData(o: {
  facts: Pick<PluginFacts, "dataDir" | "mounts" | "label">;
  grants: Pick<GrantView, "has">;
  openDatabase: OpenDatabase;
}): DataSide {
  const { dataDir, mounts = {}, label } = o.facts;
  const databases = new Map<string, Database>();
  let isOpen = false;
  const permit = (permission: "fs.data" | "storage.sqlite"): void => {
    if (!o.grants.has(permission))
      throw new HnError("permission_denied", { message: `The plugin has no permission ${permission}, which ctx.sql needs.` });
  };
  const place = (name: string): string => {
    permit("fs.data");
    permit("storage.sqlite");
    if (!NAME.test(name))
      throw new HnError("bad_request", {
        message: `"${name}" cannot name a database: lower case, digits, dot, - and _, at most 64.`,
      });
    if (!isOpen || dataDir === null)
      throw new HnError("bad_request", { message: "There are no data in setup yet. Open databases in data.open, or later." });
    return `${dataDir}/${name}`;
  };
  return {
    files: Object.freeze({
      get dir() {
        return isOpen ? dataDir : null;
      },
      mounts: Object.freeze({ ...mounts }),
    }),
    sql: async (name) => {
      const path = place(name);
      const known = databases.get(name);
      if (known?.isOpen === true) return known;
      const opened = o.openDatabase(path);
      if (opened === null)
        throw new HnError("confinement", {
          message: `ctx.sql is to be had only where plugins are confined by the operating system; here the label is ${label}.`,
        });
      databases.set(name, opened);
      return opened;
    },
    open: () => void (isOpen = true),
    close() {
      for (const database of databases.values()) if (database.isOpen) database.close();
      databases.clear();
    },
  };
}

/**
 * The steps that lead from one layout to the next, in order; none where there is nothing yet.
 * @throws not_implemented when one is missing
 */
export function stepsOf(
  data: DataDefinition | undefined,
  { from, to }: DataStep,
): NonNullable<DataDefinition["migrations"]>[number][] {
  if (from === 0 || from >= to) return [];
  const wanted = Array.from({ length: to - from }, (_, index) => from + index + 1);
  const { migrations } = data ?? {};
  if (migrations === undefined && data?.open !== undefined) return [];
  const missing = wanted.filter((version) => migrations?.[version] === undefined);
  if (missing.length > 0)
    throw new HnError("not_implemented", {
      message: `The data have layout ${from}, this version needs ${to}, and definePlugin has no data.migrations for ${missing.join(", ")}.`,
    });
  return wanted.flatMap((version) => migrations?.[version] ?? []);
}
