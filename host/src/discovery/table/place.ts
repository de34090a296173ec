/** One address and port as a key. */
export function placeOf({ host, port }: { host: string; port: number }): string {
  return `${host.toLowerCase()} ${port}`;
}
