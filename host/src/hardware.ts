import { availableParallelism, loadavg, networkInterfaces, totalmem } from "node:os";
import { statfsSync } from "node:fs";
import type { Endpoint, NodeManifest } from "./contract/index.ts";

/** What the manifest says of this machine, in whole or rounded numbers (01 I-5). @source 01 §5 */
export function readHardware(dataDir: string): NodeManifest["hardware"] {
  const disk = statfsSync(dataDir);
  return {
    gpu: null,
    vram_gb: 0,
    ram_gb: Math.round(totalmem() / 2 ** 30),
    cpu_cores: availableParallelism(),
    disk_free_gb: Math.round((disk.bavail * disk.bsize) / 2 ** 30),
  };
}

/** 0 to 1 and above: share of all cores that is busy. */
export function readLoad(): number {
  return Math.round(((loadavg()[0] ?? 0) / availableParallelism()) * 100) / 100;
}

/**
 * Addresses under which neighbours can try this node: the one it was told to listen on, or every address of this machine, the local ones last.
 * @param listen  address of the listener, e.g. `0.0.0.0`
 */
export function readEndpoints(listen: string, port: number): Endpoint[] {
  const any = listen === "0.0.0.0" || listen === "::" || listen === "";
  const hosts = any
    ? Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .filter((address) => !address.address.startsWith("fe80:"))
        .sort((a, b) => Number(a.internal) - Number(b.internal) || Number(a.family === "IPv6") - Number(b.family === "IPv6"))
        .filter((address, _i, all) => !address.internal || all.every((other) => other.internal))
        .map((address) => address.address)
    : [listen];
  return hosts.slice(0, 8).map((host) => ({ transport: "https", host, port }));
}
