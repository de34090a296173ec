/** What a command answered: its exit code and both of its outputs. */
export interface Said {
  code: number;
  out: string;
  err: string;
  /** `out` as one JSON object; read only where `--json` was asked for. */
  readonly json: Record<string, unknown>;
}

/** Runs a command and writes down what it says; each text is a line. */
export async function hear(
  command: (ears: { out: (text: string) => void; err: (text: string) => void }) => Promise<number>,
): Promise<Said> {
  const said: Said = {
    code: -1,
    out: "",
    err: "",
    get json() {
      return JSON.parse(said.out) as Record<string, unknown>;
    },
  };
  said.code = await command({ out: (text) => (said.out += `${text}\n`), err: (text) => (said.err += `${text}\n`) });
  return said;
}
