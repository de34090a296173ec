import { randomUUID } from "node:crypto";
import type { PageResult, PictureOrder } from "../worker/engine.ts";
import type { DocumentAbsent, DocumentKey, PdfAnswers, PdfMessage } from "../worker/pdf-reader.ts";
import type { OpenPdf, PdfJob } from "./backend.ts";
import type { DecodeWork, WorkBytes } from "./decode-work.ts";

const ADVICE = "Leave it out with `pages`, or export the document with fewer details.";
/** Two layouts of a page take some 20 ms each; more at a time would keep the first page waiting. */
const LAYERS_AT_ONCE = 8;

type Asked<Op extends PdfMessage["op"]> = Omit<Extract<PdfMessage, { op: Op }>, keyof DocumentKey>;

/**
 * A document whose pages are asked for one after the other. The worker that has it open gets only the question; any other says so and gets
 * the bytes along.
 */
export async function openPdf(o: {
  work: DecodeWork;
  file: WorkBytes;
  job: PdfJob;
  order: (job: PdfJob) => PictureOrder;
  limitMs: number;
}): Promise<OpenPdf> {
  const { work, file, job, order, limitMs } = o;
  const about: DocumentKey = { key: randomUUID(), ...(job.password === undefined ? {} : { password: job.password }) };

  async function ask<Op extends PdfMessage["op"]>(
    asked: Asked<Op>,
    { bytes = [], onProgress = () => {} }: { bytes?: WorkBytes; onProgress?: () => void } = {},
  ): Promise<PdfAnswers[Op]> {
    const message = { ...asked, ...about } as unknown as PdfMessage;
    const limit = { ms: limitMs, advice: ADVICE };
    const answer = (await work.page(message, { bytes, signal: job.signal, limit, onProgress })) as
      PdfAnswers[Op] | DocumentAbsent;
    return "absent" in answer ? ask(asked, { bytes: file, onProgress }) : answer;
  }

  const { pages, sha256 } = await ask<"pdf.open">({ op: "pdf.open" }, { bytes: file });
  const dpi = job.pre.dpi ?? order(job).defaultDpi;
  return {
    pages,
    sha256,
    async *layers(numbers) {
      for (let at = 0; at < numbers.length; at += LAYERS_AT_ONCE) {
        const { layers } = await ask<"pdf.layers">({ op: "pdf.layers", pages: numbers.slice(at, at + LAYERS_AT_ONCE) });
        yield* layers;
      }
    },
    read: (page, onDrawn): Promise<PageResult> =>
      ask<"pdf.read">({ op: "pdf.read", page, dpi, ...order(job) }, { onProgress: onDrawn }),
  };
}
