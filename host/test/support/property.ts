import fc from "fast-check";

const seed = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);

/** Runs a property 200 times (`HN_PROPERTY_RUNS` for more); a failure prints seed, path and the smallest case, `HN_SEED` repeats it. */
export function holds<T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>): void {
  fc.assert(property, { seed, numRuns: Number(process.env["HN_PROPERTY_RUNS"] ?? 200) });
}
