/** Folders that the operator lends to a plugin. @source plugin-platform §1.3, §3.1 fs.mount */
import { realpathSync, statSync } from "node:fs";
import { isAbsolute, normalize, sep } from "node:path";
import type { Grant, JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/** The kernel's own: reading there is no reading of files. */
const NEVER = ["/proc", "/sys", "/dev"];
const LENGTH_MAX = 1024;

/**
 * Whether each folder that these grants lend may be lent: one that exists, named as it is and not by way of a link, and nothing in or around it is the
 * node's own. Asked when it is granted, and again before every start: meanwhile somebody may have put a link in its place.
 * @throws bad_request reason mount_refused
 */
export function checkMounts(grants: readonly Grant[], { dataDir }: { dataDir: string }): void {
  for (const { permission, mode, scope } of grants) {
    if (permission !== "fs.mount" || mode !== "allow" || scope["path"] === undefined) continue;
    const fault = faultOf(scope, realpathSync(dataDir));
    if (fault !== null) throw new HnError("bad_request", { reason: "mount_refused", message: fault });
  }
}

export function canBeLent(path: string, { dataDir }: { dataDir: string }): boolean {
  return faultOf({ path }, realpathSync(dataDir)) === null;
}

/** The kernel's own, or in it. */
export function isSystems(path: string): boolean {
  return NEVER.some((folder) => isInside(path, folder));
}

function faultOf({ path }: JsonObject, own: string): string | null {
  if (typeof path !== "string" || path.length > LENGTH_MAX || path.includes("\0"))
    return "The folder to lend must be named by its path.";
  const quoted = `The folder ${path.slice(0, 200)}`;
  if (!isAbsolute(path) || normalize(path) !== path || (path.endsWith(sep) && path !== sep))
    return `${quoted} must be named by its whole path, like /srv/photos.`;
  if (path === sep) return "The whole machine cannot be lent to a plugin; name one folder.";
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isDirectory()) return `${quoted} is no folder.`;
  } catch {
    return `${quoted} is not there.`;
  }
  if (real !== path) return `${quoted} lies behind a link. Name the folder itself: ${real}.`;
  if (isSystems(path)) return `${quoted} belongs to the system and cannot be lent.`;
  if (isInside(path, own) || isInside(own, path))
    return `${quoted} holds this node's own files, its key among them, and cannot be lent.`;
  return null;
}

const isInside = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep);
