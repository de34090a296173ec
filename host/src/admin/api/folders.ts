import { isAbsolute } from "node:path";
import type { FolderList } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { listFolders } from "../../runtime/index.ts";
import type { ApiRequest, ApiRoute } from "../context.ts";

/** Looks for a folder to lend. Only the owner sees what this machine's folders are called. @source plugin-platform §3.1 fs.mount */
export const folderRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/folders",
    role: "owner",
    handle: (request: ApiRequest, { services }): Promise<FolderList> => {
      const path = request.query["path"] ?? "/";
      if (!isAbsolute(path) || path.length > 1024)
        throw new HnError("bad_request", {
          reason: "mount_refused",
          message: "A folder is named by its whole path, like /srv/photos.",
        });
      return listFolders(path, { dataDir: services.facts().data_dir });
    },
  },
];
