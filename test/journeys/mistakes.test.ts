import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "node:test";
import { ROUTES } from "../../host/src/admin/api/index.ts";
import { COMMANDS } from "../../host/src/cli/commands/index.ts";
import { runCli } from "../../host/src/cli/index.ts";
import { startNode, type LiveNode } from "../support/live-node.ts";

/** Things that people and programs type where something else belongs. */
const JUNK = [
  "",
  " ",
  "0",
  "-1",
  "../../etc/passwd",
  "x".repeat(5000),
  "ü€😀\u202e",
  "a\u0000b",
  '{"a":',
  "[]",
  "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "hearthnet://v1/",
  "hearthnet://v1/eyJ4IjoxfQ",
  "no/such-plugin",
  "%2e%2e%2f",
  "--",
];
const STACK = /\n\s+at .+:\d+|\.ts:\d+|\.mjs:\d+|node_modules|TypeError|undefined/;
/** They run another program, whose own tests hold it to the same. */
const isOurs = (args: string): boolean => args !== "…";

interface Said {
  code: number;
  out: string;
  err: string;
}

describe("mistakes", () => {
  let node: LiveNode;
  const closing: (() => unknown)[] = [];
  before(async () => {
    node = await startNode({ after: (step) => void closing.push(step) });
  });
  after(async () => {
    for (const step of closing.reverse()) await step();
  });

  async function terminal(words: string[]): Promise<Said> {
    const said: Said = { code: -1, out: "", err: "" };
    said.code = await runCli(words, {
      io: {
        out: (text) => (said.out += `${text}\n`),
        err: (text) => (said.err += `${text}\n`),
        stdin: Readable.from(["\n"]) as unknown as NodeJS.ReadStream,
        env: { HEARTHNET_DATA: node.dataDir },
        cwd: join(node.dataDir, ".."),
      },
      host: {
        // What it takes for good is no mistake; `start-and-stop` shows what it does then.
        up: async () => 0,
        doctor: async () => [],
        binaries: { plugin: "none", registry: "none" },
        defaultDataDir: node.dataDir,
        version: "0",
      },
    });
    return said;
  }

  for (const command of COMMANDS.filter(({ args }) => isOurs(args))) {
    const name = command.name.join(" ");
    it(`hearthnet ${name}: every mistake gets a sentence that helps`, async () => {
      const wanted = command.args.split(" ").filter((word) => word !== "").length;
      const tries = [
        [...command.name, "--no-such-option"],
        [...command.name, ...Array.from({ length: wanted + 1 }, () => "one-too-many")],
        ...(wanted === 0 ? [] : [[...command.name]]),
        ...(wanted === 0 ? [] : JUNK.map((junk) => [...command.name, ...Array.from({ length: wanted }, () => junk)])),
        ...Object.entries(command.options ?? {}).flatMap(([option, { type }]) =>
          type === "string"
            ? JUNK.map((junk) => [...command.name, ...argumentsFor(command.example, command.name), `--${option}=${junk}`])
            : [],
        ),
      ];
      for (const words of tries) {
        if (words.join(" ") === command.name.join(" ") && command.args.startsWith("[")) continue;
        const said = await terminal(words);
        const what = `hearthnet ${words.join(" ").slice(0, 120)}\n${said.out}${said.err}`;
        assert.ok([0, 1, 2].includes(said.code), what);
        assert.doesNotMatch(said.err + said.out.slice(0, 2000), STACK, what);
        assert.doesNotMatch(said.err, /internal_error/, what);
        if (said.code === 0) continue;
        assert.ok(said.err.trim().length > 20, what);
        const { code, out } = await terminal([...words, "--json"].filter((word) => word !== "--"));
        // Without the dashes that were the mistake, some commands are in order.
        if (code === 0) continue;
        const error = JSON.parse(out) as { error: string; message: string; action: string };
        assert.ok(error.message.length > 10 && error.action.length > 10, what);
      }
    });
  }

  for (const route of ROUTES.filter((r) => r.role !== "socket" || r.path === "/setup/link"))
    it(`${route.method} ${route.path}: every broken request gets an answer that helps`, async () => {
      const bodies =
        route.body === undefined
          ? [undefined]
          : [undefined, "", "{", "[]", "null", "{}", '"x"', '{"__proto__":{}}', "[".repeat(100), `{"x":"${"y".repeat(2000)}"}`];
      for (const junk of JUNK)
        for (const body of bodies) {
          const path = route.path.replace(/:[a-z_]+/g, encodeURIComponent(junk.slice(0, 150)) || "%20");
          const harmless = route.method === "GET" && !path.includes("%");
          const { status, text } = await ask(
            route.method,
            `${path}${route.method === "GET" ? `?limit=${encodeURIComponent(junk.slice(0, 50))}&q=${encodeURIComponent(junk.slice(0, 50))}&version=${encodeURIComponent(junk.slice(0, 50))}` : ""}`,
            body,
          );
          const what = `${route.method} ${path} ${body ?? ""} → ${status} ${text.slice(0, 300)}`;
          assert.ok(status < 500 || status === 501 || status === 503, what);
          if (status < 400) continue;
          assert.ok(!harmless || status === 400 || status === 404, what);
          const error = JSON.parse(text) as { error: string; message: string; action: string; trace_id: string };
          assert.ok(error.message.length > 10 && error.action.length > 10 && error.trace_id.length > 5, what);
          assert.doesNotMatch(error.message, STACK, what);
        }
    });

  it("the node is still the same and well afterwards", async () => {
    const { stdout } = await node.cli(["status"]);
    assert.match(stdout, new RegExp(node.ready.node_id));
    assert.doesNotMatch(node.printed().stderr, /"level":50/, "nothing was logged as a fault of the node");
  });

  function ask(method: string, path: string, body: string | undefined): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          socketPath: join(node.dataDir, "admin.sock"),
          method,
          path: `/api/v1${path}`,
          headers: {
            host: "localhost",
            ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
          },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => (text += part));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  }
});

/** The plain words of a command's own example, so that only the option under test is wrong. */
function argumentsFor(example: string, name: readonly string[]): string[] {
  const words = example.replace(/^.*?hearthnet /, "").match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  const plain: string[] = [];
  for (const word of words.slice(name.length)) {
    if (word.startsWith("--")) break;
    plain.push(word.replace(/^["']|["']$/g, ""));
  }
  return plain;
}
