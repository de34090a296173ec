import type { Launched, SandboxSpec } from "@hearthnet/host/plugin-host";
import { HeldLink } from "./link.ts";

/** Sees what the host starts: the plugin's link, to hold it, and the workers, to name them. */
export class Processes {
  readonly #workers = new Map<Launched, { name: string; pid: number }>();
  #plugin: { launched: Launched; link: HeldLink } | undefined;

  onLaunch = (launched: Launched, spec: SandboxSpec): Launched => {
    if (spec.worker === undefined) {
      const link = new HeldLink(launched.link);
      this.#plugin = { launched, link };
      return { ...launched, link };
    }
    const gone = (): void => void this.#workers.delete(launched);
    void launched.exited.then(gone);
    this.#workers.set(launched, { name: spec.worker, pid: launched.pid });
    return {
      ...launched,
      // The kernel takes a moment to end what is already given up.
      kill: () => {
        gone();
        launched.kill();
      },
    };
  };

  get workers(): { name: string; pid: number }[] {
    return [...this.#workers.values()];
  }

  get link(): HeldLink | undefined {
    return this.#plugin?.link;
  }

  /** As `kill -9` does: the plugin's own process where it has one, its link alone where it lives in this one. */
  kill9(): void {
    const launched = this.#plugin?.launched;
    const pid = launched?.nodePid() ?? null;
    if (pid !== null && pid !== process.pid) process.kill(pid, "SIGKILL");
    else launched?.kill();
  }
}
