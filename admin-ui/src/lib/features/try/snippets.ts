import type { JsonObject } from "@hearthnet/host/contract";

export interface SnippetInput {
  capability: string;
  node?: string;
  params: JsonObject;
  input: JsonObject;
  /** Name of the binary field inside `input`, and the file's name. */
  files: Record<string, string>;
}

/** The same call for a terminal, for curl and for a plugin. Contains no bytes and no secret. */
export function snippets(o: SnippetInput): { terminal: string; curl: string; plugin: string } {
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const has = (value: JsonObject): boolean => Object.keys(value).length > 0;
  const terminal = [
    `hearthnet call ${o.capability}`,
    ...(o.node === undefined ? [] : [`--node ${o.node}`]),
    ...Object.entries(o.files).map(([field, name]) => `--file ${quote(`${field}=${name}`)}`),
    ...(has(o.params) ? [`--params ${quote(JSON.stringify(o.params))}`] : []),
    ...(has(o.input) ? [`--input ${quote(JSON.stringify(o.input))}`] : []),
  ].join(" \\\n  ");
  const body = JSON.stringify({
    capability: o.capability,
    ...(o.node === undefined ? {} : { node: o.node }),
    params: o.params,
    input: { ...o.input, ...Object.fromEntries(Object.keys(o.files).map((field) => [field, "@@"])) },
  });
  const field = Object.entries(o.files)[0];
  const curl =
    field === undefined
      ? `curl --unix-socket "$HEARTHNET_DATA/admin.sock" http://localhost/api/v1/call \\\n  --json ${quote(body)}`
      : `basenc --base64url -w0 ${quote(field[1])} | tr -d = \\\n  | jq -Rc --argjson body ${quote(body)} '. as $bytes | $body | .input[${JSON.stringify(field[0])}] = $bytes' \\\n  | curl --unix-socket "$HEARTHNET_DATA/admin.sock" http://localhost/api/v1/call --json @-`;
  const inner = Object.entries(o.files).map(([name, file]) => `${JSON.stringify(name)}: await readFile(${JSON.stringify(file)})`);
  const rest = JSON.stringify(o.input).slice(1, -1);
  const plugin = [
    `const { output } = await ctx.call(${JSON.stringify(o.capability)}, {`,
    `  params: ${JSON.stringify(o.params)},`,
    `  input: { ${[...inner, ...(rest === "" ? [] : [rest])].join(", ")} },`,
    o.node === undefined ? "});" : `}, { node: ${JSON.stringify(o.node)} });`,
  ].join("\n");
  return { terminal, curl, plugin };
}
