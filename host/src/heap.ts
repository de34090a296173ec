import { setFlagsFromString } from "node:v8";

/**
 * Buffers lie outside the heap. V8 looks through the whole heap each time another 64 MiB of them have come, however little of the heap has changed:
 * where files pass through a node, that takes half of its processor time. Counted together with the heap, they let it look when the sum has grown
 * by a share instead. To be called before much is allocated.
 */
export function countBuffersAsHeap(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
