/** The words of a greeting. @param name  as the caller wrote it; white space at its ends does not count */
export function greeting(word: string, name: string): string {
  return `${word}, ${name.trim()}!`;
}
