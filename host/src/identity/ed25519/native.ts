/**
 * libsodium compiled for this machine: signs and verifies in less than half the time of OpenSSL. A package that is left out where it does not fit,
 * and switched off by `HN_NATIVE=0`; nothing depends on it. @source network.md §2.3 "Accelerators"
 */
/** The part of `sodium-native` that is used; it writes into the buffers it is given. */
export interface NativeSodium {
  /** Memory that is never swapped and cannot be read past its ends. */
  sodium_malloc(bytes: number): Buffer;
  crypto_sign_seed_keypair(publicKey: Buffer, secretKey: Buffer, seed: Buffer): void;
  crypto_sign_detached(signature: Buffer, message: Uint8Array, secretKey: Buffer): void;
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

/** @returns null where it is missing or switched off. Nobody relies on its verdicts before the self-test of the start has compared them. */
export async function loadNativeSodium(): Promise<NativeSodium | null> {
  if (process.env["HN_NATIVE"] === "0") return null;
  try {
    return (await import("sodium-native")).default;
  } catch {
    // Not installed, or built for another libc: everything works without it.
    return null;
  }
}
