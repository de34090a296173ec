import { UsageError } from "../../command-line/index.ts";
import type { OverridesBody, PluginStatus } from "../../contract/index.ts";
import type { Command, Invocation } from "../command.ts";
import { pathOf } from "../plugin-path.ts";

/** @source plugin-platform §1.2.4, §1.4 */
export const overrideCommand: Command = {
  name: ["plugin", "override"],
  args: "ID",
  summary: "decide against the usual where it runs: in a process of its own, or unconfined; without options it says what stands",
  example: "hearthnet plugin override acme/rules --own-process yes",
  options: {
    "own-process": { type: "string", value: "yes|no", help: "a process of its own, where an isolate would do" },
    unconfined: { type: "string", value: "yes|no", help: "run although this machine cannot confine it; until its next version" },
    confirm: { type: "string", value: "ID", help: "needed with --unconfined yes: the plugin's id, typed" },
  },
  run: async (invocation) => {
    const { args, options, client, print } = invocation;
    const path = `/plugins/${pathOf(args[0])}`;
    const [ownProcess, unconfined] = [answer(invocation, "own-process"), answer(invocation, "unconfined")];
    const status =
      ownProcess === undefined && unconfined === undefined
        ? await client().get<PluginStatus>(path)
        : await client().send<PluginStatus>("PUT", `${path}/overrides`, {
            ...(ownProcess === undefined ? {} : { own_process: ownProcess }),
            ...(unconfined === undefined ? {} : { unconfined }),
            ...(typeof options["confirm"] === "string" ? { confirm_id: options["confirm"] } : {}),
          } satisfies OverridesBody);
    const { overrides, tier, state, label } = status;
    const where = tier === "isolate" ? "in an isolate" : "in a process of its own";
    const words = `${status.id} ${status.version}: ${state}, ${where}, confinement ${label ?? "none"}`;
    print({ ...overrides, tier, state, label }, overrides.unconfined ? `${words}; you let it run unconfined` : words);
  },
};

function answer({ options }: Invocation, name: string): boolean | undefined {
  const word = options[name];
  if (word === undefined) return undefined;
  if (word !== "yes" && word !== "no") throw new UsageError(`--${name} wants yes or no.`);
  return word === "yes";
}
