import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { openServer } from "../1-http/server.ts";
import { ROOT_FILE } from "../3-catalog/repository.ts";
import { RegistryError, UsageError } from "../refusal.ts";
import type { Command } from "./command.ts";

export const serveCommand: Command = {
  name: "serve",
  args: "",
  summary: "serve a registry's folder; any file server can do the same",
  example: "hearthnet registry serve --out registry --port 8080",
  options: {
    out: { type: "string", value: "DIR", help: "folder of the registry (./registry)" },
    port: { type: "string", value: "N", help: "0 = the system chooses (8080)" },
    host: { type: "string", value: "ADDR", help: "address to listen on (127.0.0.1)" },
  },
  run: async ({ options, cwd, print }) => {
    const folder = resolve(cwd, typeof options["out"] === "string" ? options["out"] : "registry");
    const text = typeof options["port"] === "string" ? options["port"] : "8080";
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
      throw new UsageError(`--port wants a number from 0 to 65535, not "${text}".`);
    if (!existsSync(join(folder, ROOT_FILE)))
      throw new RegistryError(`There is no registry in ${folder}.`, {
        reason: "no_registry",
        action: "Name its folder with --out, or make one with `hearthnet registry init --out DIR`.",
      });
    const host = typeof options["host"] === "string" ? options["host"] : "127.0.0.1";
    const { app, url } = await openServer({ folder, host, port: Number(text) });
    print({ url }, `Serving ${folder} at ${url}. Ctrl+C ends it.`);
    await new Promise<void>((done) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
    });
    await app.close();
  },
};
