/** Secrets in the plugin's own hands, and keys of its own. @source plugin-platform §2.4, §3.1 `secret.read`, `secret.derive` */
import { secretAt } from "../net/index.ts";
import { text } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";

export const SECRET_OPS: OpFamily<"secrets"> = {
  "secrets.read": ({ scope, args, note }) => {
    const pointer = text(args, "name", 200);
    note({ target: pointer });
    scope.grants().secret("secret.read", pointer);
    return { value: secretAt(pointer, scope.network.options.settings()) };
  },
  "secrets.derive": ({ scope, args, note }) => {
    const label = text(args, "label", 64);
    note({ target: label });
    scope.grants().derive(label);
    return { key: scope.deriveKey(label) };
  },
};
