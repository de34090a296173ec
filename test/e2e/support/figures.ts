/** A line that the runner passes on. */
export function figure(text: string): void {
  process.stdout.write(`figure: ${text}\n`);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
