/** Secrets in the plugin's own hands, and keys of its own. @source plugin-platform §2.4, §3.1 `secret.read`, `secret.derive` */
import { texts } from "../../format/index.ts";
import { secretFor } from "../net/index.ts";
import { denied } from "../permission/index.ts";
import { text } from "./arguments.ts";
import type { OpFamily } from "./op-family.ts";

export const SECRET_OPS: OpFamily<"secrets"> = {
  "secrets.read": ({ scope, args, note }) => {
    const pointer = text(args, "name", 200);
    note({ target: pointer });
    return { value: secretFor("secret.read", pointer, scope.network.options.rights()) };
  },
  "secrets.derive": ({ scope, args, note }) => {
    const label = text(args, "label", 64);
    note({ target: label });
    const scopes = scope.grants().require("secret.derive", label);
    if (!scopes.some((one) => texts(one, "labels").includes(label))) throw denied("secret.derive", label);
    return { key: scope.deriveKey(label) };
  },
};
