import { availableParallelism, loadavg, totalmem } from "node:os";
import { statfsSync } from "node:fs";
import type { NodeManifest } from "./contract/index.ts";

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
