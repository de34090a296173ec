import { once } from "node:events";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import type { Endpoint } from "../../../src/contract/index.ts";
import type { TlsIdentity } from "../../../src/identity/index.ts";
import type { House, Scope } from "./street.ts";

/** An answer on its way back, still to be spoilt. */
export interface Parcel {
  /** What was asked for. */
  readonly path: string;
  status: number;
  /** Names and values in turn. */
  headers: string[];
  body: string;
}

const SIGALGS = "ed25519:ecdsa_secp256r1_sha256";

export interface Crooked {
  endpoint: Endpoint;
  /** What was asked so far, as `POST /path`. */
  asked: string[];
  /** TLS sessions that were resumed. */
  resumed(): number;
}

/** A server with `tls` that asks `house` and spoils what it answers: a node gone wrong, or somebody with its address. */
export async function crooked(
  scope: Scope,
  house: House,
  o: { tls?: Pick<TlsIdentity, "key" | "cert">; spoil?: (parcel: Parcel) => void; maxVersion?: "TLSv1.2" },
): Promise<Crooked> {
  const asked: string[] = [];
  let resumed = 0;
  const { key, cert } = o.tls ?? house.tls;
  const server = createServer(
    { key, cert, sigalgs: SIGALGS, ...(o.maxVersion ? { maxVersion: o.maxVersion } : {}) },
    (incoming, outgoing) => {
      asked.push(`${incoming.method ?? ""} ${incoming.url ?? ""}`);
      const { method, rawHeaders } = incoming;
      const onward = request(
        `${house.listener.url}${incoming.url ?? ""}`,
        { method, headers: rawHeaders, rejectUnauthorized: false, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => {
            const parcel: Parcel = {
              path: incoming.url ?? "",
              status: response.statusCode ?? 0,
              headers: response.rawHeaders.filter(
                (_, i, all) => !/^(content-length|transfer-encoding|connection|keep-alive)$/i.test(all[i - (i % 2)] ?? ""),
              ),
              body: Buffer.concat(chunks).toString("utf8"),
            };
            o.spoil?.(parcel);
            outgoing.writeHead(parcel.status, parcel.headers);
            outgoing.end(parcel.body);
          });
        },
      );
      onward.on("error", () => outgoing.destroy());
      incoming.pipe(onward);
    },
  );
  server.on("secureConnection", (socket) => {
    if (socket.isSessionReused()) resumed += 1;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  scope.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: { transport: "https", host: "127.0.0.1", port }, asked, resumed: () => resumed };
}

/** Replaces a header's value wherever it stands. */
export function setHeader(parcel: Parcel, name: string, value: string | null): void {
  const at = parcel.headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  if (at >= 0) parcel.headers.splice(at, 2, ...(value === null ? [] : [name, value]));
  else if (value !== null) parcel.headers.push(name, value);
}

export function headerOf(parcel: Parcel, name: string): string {
  const at = parcel.headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return parcel.headers[at + 1] ?? "";
}
