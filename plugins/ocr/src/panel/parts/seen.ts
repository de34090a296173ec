/** A piece of a page's text, as the panel shows it. */
export interface SeenPage {
  page: number;
  text: string;
  source: "text_layer" | "ocr";
  /** 0 to 1. */
  confidence: number;
}

/** Why a document was not read, in the plugin's words. */
export interface Refusal {
  reason: string;
  message: string;
}

/** What the panel learns at each look. */
export interface Seen {
  /** Those that it has not got yet, in order. */
  pages: SeenPage[];
  /** Pages that are to be read; 0 until that is known. */
  total: number;
  /** Page of these at which the reading is. */
  current: number;
  /** What is being done with it. */
  stage: "open" | "text_layer" | "render" | "ocr" | "store";
  state: "coming" | "reading" | "done" | "refused";
  refusal: Refusal | null;
}
