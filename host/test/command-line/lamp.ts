/** A small tool with every kind of command, and what it says at a terminal. */
import { Refusal, runCommandLine, textOf, UsageError, type Command, type Tool } from "../../src/command-line/index.ts";
import { HnError } from "../../src/foundation/index.ts";

export interface House {
  /** From `--house`. */
  house: string;
}

type Row = Partial<Command<House>> & Pick<Command<House>, "name" | "run">;

function command(row: Row): Command<House> {
  const name = row.name.join(" ");
  return { args: "", summary: `what ${name} does`, example: `lamp ${name} example`, ...row };
}

/** Says what came in. */
const tell: Command<House>["run"] = async ({ args, options, house, print }) => {
  const { data: _data, json: _json, ...own } = options;
  print({ args, options: { ...own }, house }, `${args.join(" ")} in ${house}`);
};

const FAULTS: Record<string, () => Error> = {
  usage: () => new UsageError("--colour is red or green."),
  refused: () => new Refusal("The bulb is broken.", { reason: "bulb_broken", action: "Put in another." }),
  coded: () => new HnError("partition"),
  system: () => Object.assign(new Error("EACCES: permission denied, open '/lamp'"), { code: "EACCES", syscall: "open" }),
  unexpected: () => new TypeError("x is not a function\n    at somewhere"),
};

export const LAMP: Tool<House> = {
  name: "lamp",
  title: "Lamp: makes light",
  example: "lamp on",
  globals: { house: { type: "string", value: "NAME", help: "in which house (env HOUSE)" } },
  commands: [
    command({
      name: ["on"],
      args: "ROOM [BULB]",
      options: {
        colour: { type: "string", value: "COLOUR", help: "red or green" },
        watts: { type: "string", help: "how bright" },
        dim: { type: "boolean", help: "a little only" },
        note: { type: "string", multiple: true, value: "TEXT", help: "may be repeated" },
      },
      run: tell,
    }),
    command({ name: ["off"], run: tell }),
    command({ name: ["off", "all"], args: "[ROOM…]", run: tell }),
    command({ name: ["mend"], args: "BULB…", run: tell }),
    command({ name: ["shop"], args: "…", run: tell }),
    command({
      name: ["fail"],
      args: "HOW",
      run: ({ args: [how = ""] }) => Promise.reject(FAULTS[how]?.() ?? new Error("no such fault")),
    }),
    command({ name: ["count"], run: async () => 7 }),
  ],
};

export interface Said {
  code: number;
  out: string;
  err: string;
  json: Record<string, unknown>;
}

export async function lamp(...words: string[]): Promise<Said> {
  const said: Said = {
    code: -1,
    out: "",
    err: "",
    get json() {
      return JSON.parse(said.out) as Record<string, unknown>;
    },
  };
  said.code = await runCommandLine(words, LAMP, {
    output: { out: (text) => (said.out += `${text}\n`), err: (text) => (said.err += `${text}\n`) },
    context: (options) => ({ house: textOf({ options }, "house", "home") }),
  });
  return said;
}
