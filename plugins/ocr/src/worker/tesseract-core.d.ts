/** The part of tesseract.js-core 7.0.0 that is used. The package ships no types. */
declare module "tesseract.js-core/tesseract-core-simd-lstm.wasm.js" {
  export interface TesseractModule {
    FS: { readdir(path: string): string[] };
    TessBaseAPI: new () => TessBaseApi;
    _malloc(size: number): number;
    _free(pointer: number): void;
    _pixReadMem(data: number, size: number): number;
    _pixReadHeaderMem(
      data: number,
      size: number,
      format: number,
      width: number,
      height: number,
      bits: number,
      samples: number,
      map: number,
    ): number;
    _pixDestroy(pointerToPix: number): void;
    getPointer(object: object): number;
    destroy(object: object): void;
  }

  export interface TessBaseApi {
    GetIterator(): ResultIterator;
    Clear(): void;
    End(): void;
  }

  export interface ResultIterator {
    Begin(): void;
    Next(level: number): boolean;
    IsAtBeginningOf(level: number): boolean;
    BoundingBox(level: number, left: number, top: number, right: number, bottom: number): boolean;
    Confidence(level: number): number;
    GetUTF8Text(level: number): string;
    WordRecognitionLanguage(): string;
  }

  export interface ModuleOptions {
    print(line: string): void;
    printErr(line: string): void;
    TesseractProgress(percent: number): void;
  }

  const open: (options: ModuleOptions) => Promise<TesseractModule>;
  export default open;
}
