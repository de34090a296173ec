import { argon2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Random } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

const derive = promisify(argon2);

/** @source admin-ui §4 "Ways in" */
const COST = { memoryKiB: 19_456, passes: 2, parallelism: 1 };
export const PASSWORD_MIN_CHARACTERS = 12;
const PASSWORD_MAX_BYTES = 1024;

/** A stored password: argon2id with its cost written down, so that the cost can rise later. */
export interface PasswordHash {
  algorithm: "argon2id";
  memoryKiB: number;
  passes: number;
  parallelism: number;
  /** base64 */
  salt: string;
  /** base64 */
  tag: string;
}

/** @throws bad_request password_weak */
export function checkPassword(password: unknown): string {
  if (typeof password !== "string" || [...password].length < PASSWORD_MIN_CHARACTERS)
    throw new HnError("bad_request", { reason: "password_weak" });
  if (Buffer.byteLength(password) > PASSWORD_MAX_BYTES)
    throw new HnError("bad_request", { reason: "too_large", message: "A password may have 1024 bytes at most." });
  return password;
}

export async function hashPassword(password: string, random: Random): Promise<PasswordHash> {
  const salt = random(16);
  const tag = await run(password, salt, COST);
  return { algorithm: "argon2id", ...COST, salt: Buffer.from(salt).toString("base64"), tag: tag.toString("base64") };
}

/** Compares in constant time; a password of impossible length costs nothing. */
export async function isPassword(password: unknown, stored: PasswordHash): Promise<boolean> {
  if (typeof password !== "string" || Buffer.byteLength(password) > PASSWORD_MAX_BYTES) return false;
  const tag = Buffer.from(stored.tag, "base64");
  return timingSafeEqual(await run(password, Buffer.from(stored.salt, "base64"), stored), tag);
}

function run(password: string, salt: Uint8Array, cost: typeof COST): Promise<Buffer> {
  return derive("argon2id", {
    message: Buffer.from(password.normalize("NFC"), "utf8"),
    nonce: salt,
    parallelism: cost.parallelism,
    tagLength: 32,
    memory: cost.memoryKiB,
    passes: cost.passes,
  });
}
