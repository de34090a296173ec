import { request } from "node:http";
import type { JsonObject } from "../../src/contract/index.ts";

export interface Answer {
  status: number;
  body: JsonObject;
  headers: Record<string, string | string[] | undefined>;
  cookie: string;
}

export function send(options: object, body: string | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (c: Buffer) => chunks.push(c));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const cookie = (response.headers["set-cookie"] ?? []).map((c) => c.split(";")[0]).join("; ");
        const json = String(response.headers["content-type"]).includes("application/json");
        resolve({
          status: response.statusCode ?? 0,
          body: (json ? JSON.parse(text) : { text }) as JsonObject,
          headers: response.headers,
          cookie,
        });
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}
