/** Caller and called are processes of their own in several benches: how the other one is started, and the way there. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { NodeId, OutboundCall } from "../../host/src/contract/index.ts";
import { systemClock } from "../../host/src/foundation/index.ts";
import type { Signer } from "../../host/src/identity/index.ts";
import { createLink, type Link } from "../../host/src/transport/index.ts";

export type Call = () => Promise<unknown>;

export interface Other<T> {
  pid: number;
  /** What it says first. */
  said: T;
  stop: () => Promise<void>;
}

/** From source, with this process's options of the profiler. @param script  below this folder; it ends when its channel does */
export async function startOther<T>(script: string, args: string[] = []): Promise<Other<T>> {
  const profiler = process.execArgv.filter((option) => option.startsWith("--cpu-prof"));
  const execArgv = ["--no-warnings", "--conditions=hearthnet-source", ...profiler];
  const child = fork(join(import.meta.dirname, script), args, { execArgv });
  const [said] = (await once(child, "message")) as [T];
  return {
    pid: child.pid ?? 0,
    said,
    stop: async () => {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}

/** To a member that is the community's root as well. */
export function linkTo(signer: Signer, node: NodeId): Link {
  return createLink({
    signer,
    communityId: () => node,
    standing: () => ({ kind: "member", level: "member" }),
    clock: systemClock,
  });
}

/** What calls to the called process have in common. @param url  where it answers on this machine */
export function letterTo(to: NodeId, url: string): Pick<OutboundCall, "to" | "endpoints" | "version" | "traceId" | "timeoutMs"> {
  return {
    to,
    endpoints: [{ transport: "https", host: "127.0.0.1", port: Number(new URL(url).port) }],
    version: "1.0",
    traceId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    timeoutMs: 30_000,
  };
}
