import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HnError } from "../../host/src/foundation/index.ts";
import type { Answer, DaemonActs } from "./daemon-acts.ts";

/**
 * The inner half of a node in a process of its own: what is measured of it is neither the test's nor the bundler's.
 * @example
 * const daemon = await DaemonProcess.open(folder);
 * await daemon.ask("install", parts);
 */
export class DaemonProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (says: never) => void; reject: (error: unknown) => void }>();
  #last = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (answer: Answer) => this.#answered(answer));
    child.once("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("The daemon has ended."));
    });
  }

  /** @param folder  others may enter it; the daemon deletes it when it closes */
  static async open(folder: string): Promise<DaemonProcess> {
    const child = fork(join(import.meta.dirname, "daemon-child.ts"), [folder], {
      execArgv: ["--no-warnings", "--conditions=hearthnet-source", "--expose-gc"],
      serialization: "advanced",
    });
    await once(child, "message");
    return new DaemonProcess(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws HnError as the daemon threw it */
  ask<Act extends keyof DaemonActs>(act: Act, asks: DaemonActs[Act]["asks"]): Promise<DaemonActs[Act]["says"]> {
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, act, asks });
    });
  }

  get rssMb(): number {
    return this.#memory("VmRSS");
  }

  /** The most that it has had since `forgetPeak`. */
  get peakMb(): number {
    return this.#memory("VmHWM");
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, "5");
  }

  /** Ends it the orderly way. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }

  #memory(field: string): number {
    const text = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(text)?.[1]) / 1024;
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (waiting === undefined) return;
    if ("error" in answer) waiting.reject(HnError.fromLocal(answer.error));
    else waiting.resolve(answer.says as never);
  }
}
