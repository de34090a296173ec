/** The few names of WebAssembly that are used; they come with TypeScript's browser library, which a worker process must not see. */
declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class RuntimeError extends Error {}
  type Imports = Record<string, Record<string, unknown>>;
  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  interface Started {
    instance: Instance;
    module: object;
  }
  let instantiate: (source: Uint8Array, imports?: Imports) => Promise<Started>;
}
