import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { UsageError } from "../../command-line/index.ts";
import { encodeBase64url, HnError, parseStrictJson } from "../../foundation/index.ts";
import type { Command, Invocation } from "../command.ts";
import { readNamedFile, readNamedLines } from "../file.ts";

const FILE_MAX_BYTES = 16 * 1024 * 1024;

export const callCommand: Command = {
  name: ["call"],
  args: "NAME[@X.Y]",
  summary: "call a capability here or on a neighbour's node",
  example: 'hearthnet call ocr.image --file image_b64=page.png --params \'{"languages":["deu"]}\'',
  options: {
    params: { type: "string", value: "JSON", help: "parameters" },
    input: { type: "string", value: "JSON", help: "input" },
    file: { type: "string", multiple: true, value: "FIELD=PATH", help: "send a file's bytes as input.FIELD; may be repeated" },
    out: { type: "string", value: "PATH", help: "write the answer into a file" },
    node: { type: "string", value: "NODE_ID", help: "only this node" },
    token: { type: "string", value: "T", help: "capability token" },
    "timeout-ms": { type: "string", value: "N", help: "give up after N milliseconds" },
    stream: { type: "boolean", help: "print frames as they come, one JSON object a line" },
    frames: {
      type: "string",
      value: "PATH",
      help: 'with --stream: send these into the call, one {"event":…,"data":{…}} a line; - for standard input',
    },
  },
  run: async (invocation) => {
    const { args, options, client, io } = invocation;
    const [capability = "", version] = (args[0] ?? "").split("@");
    const timeout = options["timeout-ms"] === undefined ? undefined : Number(options["timeout-ms"]);
    if (timeout !== undefined && (!Number.isInteger(timeout) || timeout < 1))
      throw new UsageError("--timeout-ms wants a whole number of milliseconds.");
    const body = {
      capability,
      ...(version === undefined ? {} : { version }),
      params: json(options["params"], "--params"),
      input: { ...json(options["input"], "--input"), ...files(invocation) },
      ...(typeof options["node"] === "string" ? { node: options["node"] } : {}),
      ...(typeof options["token"] === "string" ? { token: options["token"] } : {}),
      ...(timeout === undefined ? {} : { timeout_ms: timeout }),
    };
    const frames = await following(invocation);
    if (options["stream"] === true) return stream(invocation, { ...body, ...(frames === undefined ? {} : { frames }) });
    const answer = await client().send<{ output: Record<string, unknown>; meta: Record<string, unknown> }>("POST", "/call", body);
    if (typeof options["out"] === "string") {
      writeFileSync(resolve(io.cwd, options["out"]), `${JSON.stringify(answer.output, null, 2)}\n`);
      invocation.print({ meta: answer.meta, out: options["out"] }, `Written to ${options["out"]}.`);
    } else
      invocation.print(
        answer,
        typeof answer.output["text"] === "string" ? answer.output["text"] : JSON.stringify(answer.output, null, 2),
      );
    return 0;
  },
};

/** What is sent into the call. */
async function following({ options, io }: Invocation): Promise<object[] | undefined> {
  const path = options["frames"];
  if (typeof path !== "string") return undefined;
  if (options["stream"] !== true) throw new UsageError("--frames goes with --stream: only a call that streams takes them.");
  const frames: object[] = [];
  let bytes = 0;
  for await (const line of path === "-" ? createInterface({ input: io.stdin }) : readNamedLines(io, path)) {
    if (line.trim() === "") continue;
    bytes += line.length;
    if (bytes > FILE_MAX_BYTES) throw new UsageError("--frames takes 16 MiB at most.");
    frames.push(json(line, "--frames"));
  }
  return frames;
}

async function stream({ client, io }: Invocation, body: Record<string, unknown>): Promise<number> {
  let failed = false;
  for await (const line of client().lines("/call", { ...body, stream: true })) {
    io.out(line);
    failed = line.startsWith('{"event":"error"');
  }
  return failed ? 1 : 0;
}

function json(text: unknown, option: string): Record<string, unknown> {
  if (typeof text !== "string") return {};
  try {
    const value = parseStrictJson(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (error) {
    throw new UsageError(`${option} is not valid JSON: ${HnError.from(error).message}`);
  }
  throw new UsageError(`${option} must be a JSON object, e.g. '{"languages":["deu"]}'.`);
}

function files({ options, io }: Invocation): Record<string, string> {
  const out: Record<string, string> = {};
  for (const entry of (options["file"] as string[] | undefined) ?? []) {
    const cut = entry.indexOf("=");
    if (cut < 1) throw new UsageError(`--file wants FIELD=PATH, not "${entry}".`);
    const bytes = readNamedFile(io, entry.slice(cut + 1), FILE_MAX_BYTES);
    out[entry.slice(0, cut)] = encodeBase64url(bytes);
  }
  return out;
}
