import type { Chance } from "../harness.ts";

const STRINGS = [
  "",
  "a",
  "ü",
  "🔥",
  "ﬃ",
  "\u2028",
  "\u007f",
  "\u0000",
  "\\",
  '"',
  "/",
  "constructor",
  "__proto__",
  "toString",
  "é".repeat(40),
];
const NUMBERS = [
  "0",
  "-0",
  "1",
  "1.0",
  "1.10",
  "1e3",
  "1E+3",
  "51.5",
  "0.0001",
  "9007199254740991",
  "9007199254740993",
  "1e400",
  "-1e-400",
  "123456789.123",
];
const BROKEN = [
  "01",
  "+1",
  ".5",
  "1.",
  "NaN",
  "Infinity",
  "0x10",
  "nul",
  "'a'",
  '"\u0001"',
  '"\\x"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  "{,}",
  "[,]",
  "[1,]",
  '{"a":1,}',
  '{"a":1,"a":2}',
  '{"\\u0061":1,"a":2}',
  '{"__proto__":1}',
  "\ufeff1",
  "1 2",
  "//x",
];
const SPACES = ["", "", "", " ", "\n", "\t\r\n ", "\u00a0"];

/** Text that is JSON, nearly JSON, or deep, long and repetitive JSON. */
export function jsonText(chance: Chance): string {
  if (oneIn(chance, 400)) {
    const depth = 40 + chance(60_000);
    return (oneIn(chance, 2) ? "[" : '{"a":').repeat(depth) + "1" + (oneIn(chance, 2) ? "]".repeat(depth) : "");
  }
  if (oneIn(chance, 400)) return `"${pick(chance, ["\\u0041", "\\", "a", "\\ud83d\\udd25", "ü"]).repeat(chance(20_000))}"`;
  if (oneIn(chance, 400)) return pick(chance, ["1", "0.", "1e", "-"]) + "1".repeat(chance(50_000));
  return space(chance) + value(chance, chance(6)) + space(chance);
}

function value(chance: Chance, depth: number): string {
  if (oneIn(chance, 40)) return pick(chance, BROKEN);
  if (depth > 0 && !oneIn(chance, 4)) return oneIn(chance, 2) ? list(chance, depth - 1) : object(chance, depth - 1);
  switch (chance(4)) {
    case 0:
      return pick(chance, NUMBERS);
    case 1:
      return pick(chance, ["true", "false", "null"]);
    case 2:
      return String((chance(2 ** 32) - 2 ** 31) / (1 + chance(1000)));
    default:
      return text(chance);
  }
}

function text(chance: Chance): string {
  const s = pick(chance, STRINGS) + (oneIn(chance, 3) ? pick(chance, STRINGS) : "");
  if (!oneIn(chance, 5)) return JSON.stringify(s);
  return `"${[...s].map((c) => [...c].map((u) => `\\u${u.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")).join("")}"`;
}

function list(chance: Chance, depth: number): string {
  return `[${many(chance, () => value(chance, depth))}]`;
}

function object(chance: Chance, depth: number): string {
  let n = 0;
  // Mostly distinct keys, sometimes the same one twice.
  return `{${many(chance, () => `${oneIn(chance, 6) ? text(chance) : `"k${n++}"`}${space(chance)}:${space(chance)}${value(chance, depth)}`)}}`;
}

function many(chance: Chance, make: () => string): string {
  return Array.from({ length: chance(5) }, make).join(`${space(chance)},${space(chance)}`) + space(chance);
}

function space(chance: Chance): string {
  return pick(chance, SPACES);
}

export function oneIn(chance: Chance, n: number): boolean {
  return chance(n) === 0;
}

export function pick<T>(chance: Chance, list: readonly T[]): T {
  return list[chance(list.length)] as T;
}
