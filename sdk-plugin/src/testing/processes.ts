import type { Launched, SandboxSpec } from "@hearthnet/host/plugin-host";
import { HeldLink } from "./link.ts";

/** Sees what the host starts: the plugin's link, to hold it, and the workers, to name them. */
export class Processes {
  readonly #workers = new Map<Launched, { name: string; pid: number }>();
  /** What runs of the plugin, the newest last: during an update two of its releases do. */
  #plugins: { launched: Launched; link: HeldLink }[] = [];

  onLaunch = (launched: Launched, spec: SandboxSpec): Launched => {
    if (spec.worker === undefined) {
      const link = new HeldLink(launched.link);
      const running = { launched, link };
      this.#plugins.push(running);
      void launched.exited.then(() => (this.#plugins = this.#plugins.filter((other) => other !== running)));
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
    return this.#plugins.at(-1)?.link;
  }

  /** As `kill -9` does: the plugin's own process where it has one, its link alone where it lives in this one. */
  kill9(): void {
    const launched = this.#plugins.at(-1)?.launched;
    const pid = launched?.nodePid() ?? null;
    if (pid !== null && pid !== process.pid) process.kill(pid, "SIGKILL");
    else launched?.kill();
  }
}
