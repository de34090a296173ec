/** The part of tesseract.js-core 7.0.0 that is used. The package ships no types. */
declare module "tesseract.js-core/tesseract-core-simd-lstm.wasm.js" {
  export interface TesseractModule {
    FS: { writeFile(path: string, data: Uint8Array): void };
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
    /** @returns 0 on success */
    Init(dataPath: string, languages: string, engineMode: number): number;
    SetPageSegMode(mode: number): void;
    SetVariable(name: string, value: string): boolean;
    SetImage(pixels: number, width: number, height: number, bytesPerPixel: number, bytesPerLine: number): void;
    SetSourceResolution(dpi: number): void;
    /** @returns 0 on success */
    Recognize(monitor: null): number;
    MeanTextConf(): number;
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
