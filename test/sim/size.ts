/** How much of a story is told: little with every change of the code, the whole of it by `npm run sim`. */
export const sizeOf = (short: number, whole: number): number => (process.env["HN_SIM_WHOLE"] === "1" ? whole : short);
