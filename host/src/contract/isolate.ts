/**
 * Messages between the daemon and an isolate host, on lane 0 of its fd 3. Each plugin speaks the protocol of `fd3.ts` on a lane of its own.
 * @source plugin-platform §1.2, §1.3
 */
import type { JsonObject } from "./ids.ts";

export type IsolateOrder =
  /** The bundle follows as attachment `/bundle`. */
  { t: "isolate"; lane: number; entry: string; manifest: JsonObject; memoryMb: number };

export type IsolateReport =
  /** The isolate on that lane is gone; nothing more comes from it. */
  { t: "ended"; lane: number; cause: "exited" | "hung" | "over_quota"; detail: string };
