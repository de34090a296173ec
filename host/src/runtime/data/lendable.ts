/** What the operator is shown while choosing a folder to lend: one folder at a time, folders alone, and never what lies behind a link. */
import { realpathSync, type Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import type { FolderList } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { canBeLent, isSystems } from "./mounts.ts";

const SHOWN_MAX = 500;
/** A folder of a hundred thousand files is not read to its end for a list of folders. */
const READ_MAX = 20_000;

/**
 * @param path   whole, and not by way of a link
 * @throws bad_request reason mount_refused for what is no such folder, belongs to the system, or may not be read by this node's user
 * @source plugin-platform §3.1 fs.mount
 */
export async function listFolders(path: string, { dataDir }: { dataDir: string }): Promise<FolderList> {
  const folders: string[] = [];
  let more = false;
  try {
    if (!isAbsolute(path) || normalize(path) !== path || path.includes("\0") || realpathSync(path) !== path || isSystems(path))
      throw new Error("not as it is called");
    let read = 0;
    for await (const entry of await opendir(path)) {
      read += 1;
      more = read > READ_MAX || folders.length > SHOWN_MAX;
      if (more) break;
      if (isShown(entry) && !isSystems(join(path, entry.name))) folders.push(entry.name);
    }
  } catch (cause) {
    throw new HnError("bad_request", {
      reason: "mount_refused",
      message: `The folder ${path.slice(0, 200)} cannot be looked into: it is not there, lies behind a link, belongs to the system, or is closed to this node.`,
      cause,
    });
  }
  return {
    path,
    parent: path === "/" ? null : dirname(path),
    lendable: canBeLent(path, { dataDir }),
    folders: folders.slice(0, SHOWN_MAX).toSorted((a, b) => a.localeCompare(b, "en")),
    more: more || folders.length > SHOWN_MAX,
  };
}

/** A link is no directory here, wherever it leads; a name that would deceive the eye is not shown. */
function isShown(entry: Dirent): boolean {
  return entry.isDirectory() && !/[\p{Cc}\u200b-\u200f\u202a-\u202e\u2060-\u2069]/u.test(entry.name);
}
