/** The part of tesseract.js 7.0.0 that is used; its own types describe only the door that starts a thread. */
declare module "tesseract.js/src/worker-script/index.js" {
  export interface Packet {
    workerId: string;
    jobId: string;
    action: "load" | "loadLanguage" | "initialize" | "setParameters" | "recognize" | "FS";
    payload: object;
  }

  export interface Reply {
    jobId: string;
    status: "resolve" | "reject" | "progress";
    /** On `reject` the error as a string. */
    data: unknown;
  }

  export interface Adapter {
    /** Opens the module; what it resolves to is kept for ever. */
    getCore(): Promise<() => Promise<object>>;
    gunzip(data: Uint8Array): Uint8Array;
  }

  export function dispatchHandlers(packet: Packet, send: (reply: Reply) => void): void;
  export function setAdapter(adapter: Adapter): void;
}

declare module "tesseract.js/src/constants/OEM.js" {
  const modes: { LSTM_ONLY: number };
  export default modes;
}

declare module "tesseract.js/src/constants/PSM.js" {
  const modes: { AUTO: string };
  export default modes;
}
