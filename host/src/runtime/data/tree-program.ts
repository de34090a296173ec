/**
 * What runs inside the sandbox of the helper: one question on fd 3, one answer. Names are bytes, because a plugin may choose them; links are never
 * followed, and where this runs they would lead nowhere.
 * @source plugin-platform §1.3.6
 */
export const TREE_PROGRAM = `"use strict";
const fs = require("node:fs");
const { Socket } = require("node:net");
const BLOCK = 4096, LONG = 2048, SLASH = Buffer.from("/");
const inside = (folder, name) => Buffer.concat([folder, SLASH, Buffer.from(name)]);

/** Calls back for every entry below the folder, directories before what they hold; unreadable(path) for a directory that cannot be listed. */
function walk(root, { entry, unreadable }) {
  const open = [Buffer.from(root)];
  for (let folder; (folder = open.pop()) !== undefined; ) {
    let names;
    try {
      names = fs.readdirSync(folder, { encoding: "buffer" });
    } catch (error) {
      unreadable(folder, error);
      continue;
    }
    for (const name of names) {
      const path = inside(folder, name);
      let stats;
      try {
        stats = fs.lstatSync(path);
      } catch (error) {
        unreadable(path, error);
        continue;
      }
      entry(path, stats);
      if (stats.isDirectory()) open.push(path);
    }
  }
}

const VERBS = {
  /** Bytes that a copy would take: each name counts, holes count, and what is empty takes a block. */
  measure({ root }) {
    let bytes = 0, files = 0, unreadable = 0;
    walk(root, {
      entry: (_, { size }) => {
        files += 1;
        bytes += Math.max(1, Math.ceil(size / BLOCK)) * BLOCK;
      },
      unreadable: () => (unreadable += 1),
    });
    return { bytes, files, unreadable };
  },

  copy({ from, root, maxBytes }) {
    let bytes = 0, files = 0, skipped = 0;
    const start = Buffer.byteLength(from);
    walk(from, {
      entry: (path, stats) => {
        const target = Buffer.concat([Buffer.from(root), path.subarray(start)]);
        if (stats.isDirectory()) return void fs.mkdirSync(target, { mode: 0o700 });
        if (!stats.isFile()) return void (skipped += 1);
        bytes += stats.size;
        if (bytes > maxBytes) throw new Error("there is more than " + maxBytes + " bytes");
        files += 1;
        fs.copyFileSync(path, target, fs.constants.COPYFILE_EXCL | fs.constants.COPYFILE_FICLONE);
        fs.chmodSync(target, 0o600 | (stats.mode & 0o100));
        fs.utimesSync(target, stats.atime, stats.mtime);
      },
      unreadable: (path, error) => {
        throw error;
      },
    });
    return { bytes, files, skipped };
  },

  erase({ root }) {
    let files = 0, flattened = 0;
    const top = Buffer.from(root);
    const folders = [];
    const open = [top];
    for (let folder; (folder = open.pop()) !== undefined; ) {
      for (const name of list(folder)) {
        let path = inside(folder, name);
        const stats = fs.lstatSync(path);
        if (!stats.isDirectory()) {
          fs.unlinkSync(path);
          files += 1;
          continue;
        }
        // Names built up step by step may be longer than the system takes at once, so what lies deep is moved up first.
        if (path.length > LONG) {
          const near = inside(top, ".flat-" + (flattened += 1));
          fs.renameSync(path, near);
          path = near;
        }
        open.push(path);
        folders.push(path);
      }
    }
    for (const folder of folders.reverse()) fs.rmdirSync(folder);
    return { files };
  },
};

/** Entries of a directory of one's own, readable or not. */
function list(folder) {
  try {
    return fs.readdirSync(folder, { encoding: "buffer" });
  } catch (error) {
    if (error.code !== "EACCES") throw error;
    fs.chmodSync(folder, 0o700);
    return fs.readdirSync(folder, { encoding: "buffer" });
  }
}

const link = new Socket({ fd: 3 });
let text = "";
link.on("data", (chunk) => {
  text += chunk;
  if (!text.endsWith("\\n")) return;
  const question = JSON.parse(text);
  link.end(JSON.stringify(VERBS[question.verb](question)) + "\\n");
});
`;
