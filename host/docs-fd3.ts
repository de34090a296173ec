/** Makes docs/reference/fd3.md from the conversation that both ends are tested against. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CONSTANTS } from "./src/contract/index.ts";

interface Turn {
  from: "host" | "plugin";
  cue?: string;
  note?: string;
  header: { t: string; event?: string };
  head: string;
  bytes?: string | { byte: string; size: number };
}

/** More of one kind in a row than this are not all shown. */
const ALIKE = 5;
const KIB = 1024;

export function fd3Page(): string {
  const path = join(import.meta.dirname, "..", "test", "vectors", "fd3.json");
  const { turns } = JSON.parse(readFileSync(path, "utf8")) as { turns: Turn[] };
  const [first] = turns;
  const { PLUGIN_FRAME_MAX_BYTES, PLUGIN_HEADER_MAX_BYTES, PLUGIN_INLINE_ATTACHMENT_MAX_BYTES } = CONSTANTS;
  const { PLUGIN_STREAM_WINDOW_BYTES, PLUGIN_CONNECTION_WINDOW_BYTES } = CONSTANTS;
  const { STREAM_WINDOW_FRAMES, STREAM_ACK_INTERVAL_FRAMES, CANCEL_DEADLINE_MS } = CONSTANTS;
  return `<!-- Made by host/docs-fd3.ts from test/vectors/fd3.json; change those instead. -->

# fd 3

What a host and the process of a plugin say to each other, for whoever writes a runner in another language or reads along. The SDK's runner is
\`sdk-plugin/src/runner\`, the host's side \`host/src/runtime\`, the messages are typed in \`host/src/contract/fd3.ts\`. Today a host starts the SDK's runner and no other.

The process finds one end of a socket pair as file descriptor 3. Standard output and error are lines for the log, never part of the conversation.

## A frame

\`\`\`text
u32 big-endian: bytes that follow, at most ${PLUGIN_FRAME_MAX_BYTES / KIB / KIB} MiB
u32 big-endian: bytes of the header, at most ${PLUGIN_HEADER_MAX_BYTES / KIB / KIB} MiB
header: one JSON object in UTF-8, {"t": type, …}
attachments, one behind the other, as "att" in the header says: [{"ptr": "/input/page_b64", "size": 5}]
\`\`\`

The first frame of the conversation below, in hex: the lengths \`${first?.head.slice(0, 8) ?? ""}\` and \`${first?.head.slice(8, 16) ?? ""}\`, then the header.

\`\`\`text
${(first?.head ?? "").replace(/.{64}/g, "$&\n")}
\`\`\`

- Ids are even from the host, odd from the plugin, rise, and are never used twice in a connection.
- At an attachment's pointer the JSON holds null. What the pointer starts from: in \`call\`, \`role\` and \`http\` the body, in \`result\` \`{output, meta}\`, in \`frame\` and \`op.frame\` \`{[event]: data}\`, in
  \`op\` its args, in \`op.ok\` and \`ok\` \`{value}\`, in \`event\` the message.
- Up to ${PLUGIN_INLINE_ATTACHMENT_MAX_BYTES / KIB} KiB of attachments lie behind their header. What is larger has \`"stream": id\` and follows as \`chunk\` frames; the receiver acknowledges bytes with \`credit\`. At most
  ${PLUGIN_STREAM_WINDOW_BYTES / KIB} KiB of one stream and ${PLUGIN_CONNECTION_WINDOW_BYTES / KIB / KIB} MiB of a connection are on their way unacknowledged. The message counts as sent with its last \`chunk.end\`.
- Of the frames of one answer at most ${STREAM_WINDOW_FRAMES} are on their way; \`credit\` comes for every ${STREAM_ACK_INTERVAL_FRAMES} that were taken. The same holds in the other direction for \`op.frame\`, and both
  ways for frames that follow a message under its id until \`frame.end\`: from the host a \`call\` that says \`frames\`, one to a role, or an \`http\` that says \`socket\`, from the plugin an op that says \`stream\`.
- An \`http\` that says \`socket\` is a WebSocket: \`message\` frames go both ways, \`{"text"}\`, or \`{"bytes"}\`, or a text of more than 128 Ki characters as bytes, \`{"encoded"}\`. \`frame.end\`: the client has
  closed. The plugin's \`done\` closes it, with \`{"code", "reason"}\` if it likes. Runners that announce \`http.socket\` are asked.
- \`event\` and \`topic\` are questions of the host: one \`ok\` or \`error\` each, and the next comes after it.
- After \`cancel\` the call ends within ${CANCEL_DEADLINE_MS} ms, with an \`error\` or what was ready.
- \`cancel\`, \`credit\`, \`ping\`, \`pong\`, \`drain\`, \`stop\` and \`bye\` may overtake what waits to be sent.
- Unknown fields are ignored. A frame that breaks these rules ends the connection and the process; nobody tries to find the way back.

## A conversation

Recorded in \`test/vectors/fd3.json\` with every byte: \`head\` is a frame up to its attachment, \`bytes\` the attachment. Ids, times and traces are fixed.
\`host/test/runtime/transcript.test.ts\` holds the host to its half, \`sdk-plugin/test/runner/serve.test.ts\` the SDK's runner to the other; a new runner is held to it the same
way: play the host's frames, compare what it says. Between frames of a byte stream the two directions do not wait for each other.

\`\`\`text
${conversation(turns).join("\n")}
\`\`\`
`;
}

function conversation(turns: readonly Turn[]): string[] {
  const lines: string[] = [];
  for (const [index, turn] of turns.entries()) {
    const place = placeAmongAlike(turns, index);
    if (place.length > ALIKE && place.at === 2) lines.push(`        … ${place.length - 3} more of these`);
    if (place.length > ALIKE && place.at >= 2 && place.at < place.length - 1) continue;
    if (turn.cue !== undefined) lines.push("", `(${turn.cue})`);
    lines.push(`${turn.from.padEnd(6)}  ${JSON.stringify(turn.header)}`);
    const { bytes } = turn;
    if (typeof bytes === "string") lines.push(`        + bytes ${bytes}`);
    else if (bytes !== undefined) lines.push(`        + ${bytes.size} × byte ${bytes.byte}`);
    if (turn.note !== undefined) lines.push(`        # ${turn.note}`);
  }
  return lines;
}

/** How many turns of one kind stand together here, and which of them this is. */
function placeAmongAlike(turns: readonly Turn[], index: number): { at: number; length: number } {
  const kind = ({ from, header }: Turn): string => `${from} ${header.t} ${header.event ?? ""}`;
  const turn = turns[index];
  const alike = (at: number): boolean => turns[at] !== undefined && turn !== undefined && kind(turns[at]) === kind(turn);
  let start = index;
  while (alike(start - 1)) start -= 1;
  let end = index;
  while (alike(end + 1)) end += 1;
  return { at: index - start, length: end - start + 1 };
}
