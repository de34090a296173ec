import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError, textOf } from "@hearthnet/host/command-line";
import { openServer } from "../1-http/server.ts";
import type { Command } from "./command.ts";
import { registryFolder, requireRegistry } from "./open.ts";

export const serveCommand: Command = {
  name: ["serve"],
  args: "",
  summary: "serve a registry's folder; any file server can do the same",
  example: "hearthnet registry serve --out registry --port 8080",
  options: {
    out: { type: "string", value: "DIR", help: "folder of the registry (./registry)" },
    port: { type: "string", value: "N", help: "0 = the system chooses (8080)" },
    host: { type: "string", value: "ADDR", help: "address to listen on (127.0.0.1)" },
    cert: { type: "string", value: "FILE", help: "certificate chain, PEM: serve https (nodes ask other machines by https only)" },
    "cert-key": { type: "string", value: "FILE", help: "its private key, PEM" },
  },
  run: async (invocation) => {
    const { options, cwd, print } = invocation;
    const folder = registryFolder(invocation);
    const text = textOf(invocation, "port", "8080");
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
      throw new UsageError(`--port wants a number from 0 to 65535, not "${text}".`);
    const { cert, "cert-key": certKey } = options;
    if ((typeof cert === "string") !== (typeof certKey === "string")) throw new UsageError("--cert and --cert-key go together.");
    requireRegistry(folder);
    const { app, url } = await openServer({
      folder,
      host: textOf(invocation, "host", "127.0.0.1"),
      port: Number(text),
      ...(typeof cert === "string" && typeof certKey === "string"
        ? { tls: { cert: readFileSync(resolve(cwd, cert)), key: readFileSync(resolve(cwd, certKey)) } }
        : {}),
    });
    print({ url }, `Serving ${folder} at ${url}. Ctrl+C ends it.`);
    await new Promise<void>((done) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
    });
    await app.close();
  },
};
