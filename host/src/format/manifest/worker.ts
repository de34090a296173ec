import type { PluginManifest, WorkerDeclaration } from "../../contract/index.ts";
import { checkProgramAssets } from "./programs.ts";

type Wrong = (path: string, message: string) => void;

/** A worker is a bundle or a program, and a program needs the right to machine code. @source plugin-platform §2.1, §3.1 native, §4.4 */
export function checkWorker(m: PluginManifest, { worker, at }: { worker: WorkerDeclaration; at: string }, wrong: Wrong): void {
  const { entry, exec, warm } = worker;
  if ((entry === undefined) === (exec === undefined)) wrong(at, "needs exactly one of entry and exec");
  if (exec === undefined) return;
  if (warm !== undefined) wrong(`${at}/warm`, "does not belong to a program: it is started for each message");
  const native = [...m.permissions, ...(m.optionalPermissions ?? [])].find(({ name }) => name === "native");
  if (!((native?.scope?.["mode"] ?? []) as unknown[]).includes("exec"))
    wrong(`${at}/exec`, "needs the permission native with the mode exec");
  checkProgramAssets(m, { exec, at: `${at}/exec` }, wrong);
}
