import { Failure } from "../failure.ts";

export interface PageOrder {
  /** Inclusive, from 1. */
  range: [first: number, last: number] | undefined;
  /** Single ones, from 1. */
  pages: number[] | undefined;
  /** Pages of the document. */
  total: number;
  /** Pages that one call may read. */
  most: number;
}

/**
 * Decides which pages a call reads, in ascending order.
 * @returns `next`: the page after a range that ends before the document does
 * @throws bad_request  `too_many_pages` `page_out_of_range`
 * @source 22 rule 7
 */
export function choosePages(order: PageOrder): { pages: number[]; next: number | null } {
  const { range, pages, total, most } = order;
  if (range !== undefined && pages !== undefined) throw outOfRange("Send either page_range or pages, not both.");
  if (pages !== undefined) {
    const chosen = [...new Set(pages)].toSorted((a, b) => a - b);
    const odd = chosen.find((page) => !Number.isSafeInteger(page) || page < 1 || page > total);
    if (odd !== undefined) throw outOfRange(`There is no page ${odd}; ${has(total)}.`);
    if (chosen.length === 0) throw outOfRange("Name at least one page, or leave pages out.");
    checkCount(chosen.length, most);
    return { pages: chosen, next: null };
  }
  const [first, last] = range ?? [1, total];
  const whole = Number.isSafeInteger(first) && Number.isSafeInteger(last);
  if (!whole || first < 1 || last > total || first > last)
    throw outOfRange(`There are no pages ${first} to ${last}; ${has(total)}.`);
  checkCount(last - first + 1, most);
  return {
    pages: Array.from({ length: last - first + 1 }, (_, index) => first + index),
    next: range !== undefined && last < total ? last + 1 : null,
  };
}

function has(total: number): string {
  return total === 1 ? "the document has one page" : `the document has pages 1 to ${total}`;
}

function checkCount(count: number, most: number): void {
  if (count <= most) return;
  const message = `These are ${count} pages; one call reads at most ${most}. Ask for page_range [1, ${most}] first, and go on at more_from.`;
  throw new Failure("bad_request", { reason: "too_many_pages", message });
}

function outOfRange(message: string): Failure {
  return new Failure("bad_request", { reason: "page_out_of_range", message });
}
