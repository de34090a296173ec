import { HnError } from "../../foundation/index.ts";
import type { Desired } from "../journal/index.ts";
import type { ManagedPlugin } from "../supervise/index.ts";
import { Fence } from "./fence.ts";
import type { UpgradeRooms } from "./upgrades.ts";
import type { Step, Way } from "./way.ts";

/**
 * Makes a release the installed one where none serves that could go on meanwhile: the first one, one of a plugin that is switched off or broken,
 * one that waits for settings. Calls that come all the same stand before a fence.
 * @throws plugin_gone reason start_failed when the former one came back
 */
export async function replace(
  rooms: Pick<UpgradeRooms, "journal" | "clock" | "times" | "manage" | "mayRun" | "adopt">,
  { active, next }: { active: ManagedPlugin | undefined; next: Step },
  o: { kind: "update" | "rollback"; way: Way; desired: Desired },
): Promise<void> {
  const { journal, clock, times } = rooms;
  const { release, grants } = next;
  const { id } = release;
  const former = active?.release;
  const formerGrants = former === undefined ? [] : journal.grants(id);
  const payload = { from: former?.sha256 ?? null, to: release.sha256 };
  const op = journal.intent({ pluginId: id, kind: former === undefined ? "install" : o.kind, step: "replace", payload });
  const fence = new Fence({ clock, waitMs: o.way === "fence" ? times.fenceMs : 0 });
  const leave = await active?.stopBehind(fence.guard, "Another version takes over.");
  let serving = active;
  try {
    const plugin = rooms.manage(next);
    rooms.adopt(plugin, { desired: o.desired, grants });
    serving = plugin;
    plugin.reset();
    if (o.desired === "disabled" || (await plugin.start())) return;
    const waits = plugin.state === "needs_config" || !rooms.mayRun(release);
    if (former === undefined || former.sha256 === release.sha256 || waits) return;
    const failure = plugin.status(o.desired).reason?.message ?? "";
    await plugin.stop("The former version comes back.");
    serving = rooms.manage({ release: former, grants: formerGrants });
    rooms.adopt(serving, { desired: "enabled", grants: formerGrants });
    journal.setReleaseState(id, release.sha256, "failed");
    serving.reset();
    await serving.start();
    throw new HnError("plugin_gone", {
      reason: "start_failed",
      message: `Version ${release.version} did not start, so ${former.version} runs on. ${failure}`.trim(),
    });
  } finally {
    fence.lift(serving?.session);
    leave?.();
    journal.done(op);
  }
}
