import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../../command-line/index.ts";
import type { CommunityFacts, Member, MemberLevel } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { readFreshDeviceId, shortId } from "../../identity/index.ts";
import type { Command } from "../command.ts";
import { readNamedFile } from "../file.ts";
import { readSecretLine } from "../prompt.ts";
import { table } from "../table.ts";

const ROOT_KEY_MAX_BYTES = 8192;

export const communityCommands: readonly Command[] = [
  {
    name: ["community", "create"],
    args: "NAME",
    summary: "found a community; its root key is written to a file that you keep offline",
    example: 'hearthnet community create "Niederrhein" --key-file niederrhein.key',
    options: {
      "key-file": { type: "string", value: "PATH", help: "where the encrypted root key goes (./NAME.hearthnet-root-key)" },
      "passphrase-stdin": { type: "boolean", help: "read the passphrase from standard input; else one is made and shown once" },
    },
    run: async ({ args, options, client, print, io }) => {
      const name = args[0] ?? "";
      const path = resolve(io.cwd, String(options["key-file"] ?? `${name.replace(/[^\p{L}\p{N}-]+/gu, "-")}.hearthnet-root-key`));
      const given = options["passphrase-stdin"] === true ? await readSecretLine(io) : null;
      const passphrase = given ?? randomBytes(15).toString("base64url");
      // The place first: a root key that cannot be written down would be lost.
      const fd = openKeyFile(path);
      let made: { community_id: string; root_key_file: string };
      try {
        made = await client().send("POST", "/community/create", { name, root_passphrase: passphrase });
        writeFileSync(fd, made.root_key_file);
        fsyncSync(fd);
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      } finally {
        closeSync(fd);
      }
      const text = [
        `Founded ${name}: ${made.community_id}`,
        `Root key: ${path}`,
        ...(given === null ? [`Passphrase (shown this once): ${passphrase}`] : []),
        "Keep file and passphrase offline and apart. Without them the rules of the community can never be changed.",
      ];
      print({ community_id: made.community_id, key_file: path, ...(given === null ? { passphrase } : {}) }, text.join("\n"));
    },
  },
  {
    name: ["community", "show"],
    args: "",
    summary: "the community of this node, and this device's id for an invitation",
    example: "hearthnet community show",
    run: async ({ client, print }) => {
      const facts = await client().get<CommunityFacts>("/community");
      print(
        facts,
        facts.community_id === null
          ? `No community yet. To be invited, show this id to a neighbour:\n${facts.fresh_device_id}`
          : `${facts.name ?? ""} (${facts.level})\n${facts.community_id}`,
      );
    },
  },
  {
    name: ["invite"],
    args: "NODE_ID",
    summary: "invite a device by its id, after comparing the short id with its screen",
    example: "hearthnet invite ed25519:6kps… --level member",
    options: { level: { type: "string", value: "LEVEL", help: "member or trusted (member)" } },
    run: async ({ args, options, client, print }) => {
      const level = options["level"] ?? "member";
      if (level !== "member" && level !== "trusted") throw new UsageError("--level is member or trusted.");
      const id = args[0] ?? "";
      const node = readFreshDeviceId(id).node_id;
      const made = await client().send<{ invite_blob: string; expires_at: string }>("POST", "/invites", {
        fresh_id: id,
        level,
        confirmed_short_id: shortId(node),
      });
      print(made, `For the device ${shortId(node)}, until ${made.expires_at}:\n${made.invite_blob}`);
    },
  },
  {
    name: ["join"],
    args: "TEXT",
    summary: "join a community with an invitation",
    example: "hearthnet join hearthnet://v1/eyJ…",
    run: async ({ args, client, print }) => {
      const joined = await client().send<{ community_id: string; name: string }>("POST", "/community/join", { invite: args[0] });
      print(joined, `Welcome to ${joined.name}.`);
    },
  },
  {
    name: ["members"],
    args: "",
    summary: "who belongs to the community",
    example: "hearthnet members",
    run: async ({ client, print }) => {
      const { items } = await client().get<{ items: Member[] }>("/members");
      print(
        items,
        table(
          ["name", "level", "since", "id"],
          items.map((m) => [m.display_name, m.level, m.added_at, m.node_id]),
          "No community yet.",
        ),
      );
    },
  },
  ...(["promote", "demote"] as const).map((verb): Command => ({
    name: [verb],
    args: "NODE_ID",
    summary: verb === "promote" ? "raise a member's level" : "lower a member's level",
    example: `hearthnet ${verb} ed25519:6kps… --level ${verb === "promote" ? "trusted" : "member"}`,
    options: { level: { type: "string", value: "LEVEL", help: "member, trusted or anchor" } },
    run: async ({ args, options, client, print }) => {
      const level = (options["level"] ?? (verb === "promote" ? "trusted" : "member")) as MemberLevel;
      const done = await client().send<{ event_id: string }>("POST", `/members/${encodeURIComponent(args[0] ?? "")}/${verb}`, {
        level,
      });
      print(done, `Done: ${level}.`);
    },
  })),
  {
    name: ["revoke"],
    args: "NODE_ID",
    summary: "shut a device out for ever",
    example: 'hearthnet revoke ed25519:6kps… --reason "stolen"',
    options: {
      reason: { type: "string", value: "TEXT", help: "for the other members" },
      "root-key": { type: "string", value: "PATH", help: "sign with the root key instead of co-signers" },
      "passphrase-stdin": { type: "boolean", help: "read the root key's passphrase from standard input" },
    },
    run: async ({ args, options, client, print, io }) => {
      const root =
        typeof options["root-key"] === "string"
          ? {
              file: Buffer.from(readNamedFile(io, options["root-key"], ROOT_KEY_MAX_BYTES)).toString("utf8"),
              passphrase: await readSecretLine(io),
            }
          : null;
      const done = await client().send<{ event_id: string }>("POST", `/members/${encodeURIComponent(args[0] ?? "")}/revoke`, {
        reason: options["reason"] ?? "not stated",
        ...(root === null ? {} : { root_key: root }),
      });
      print(done, "Revoked.");
    },
  },
  {
    name: ["leave"],
    args: "",
    summary: "leave the community; its log is archived",
    example: "hearthnet leave",
    run: async ({ client, print }) => {
      await client().send("POST", "/community/leave", {});
      print({ left: true }, "Left. The key of this node stays the same.");
    },
  },
];

function openKeyFile(path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw code === "EEXIST"
      ? new HnError("bad_request", {
          message: "The key file exists already and is not overwritten.",
          action: "Choose another name with --key-file.",
          cause,
        })
      : new HnError("bad_request", {
          message: `The key file cannot be written there (${code ?? "error"}).`,
          action: "Choose a folder that you may write to with --key-file.",
          cause,
        });
  }
}
