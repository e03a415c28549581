declare module "wav-decoder" {
  type Decoded = {
    readonly sampleRate: number;
    readonly length: number;
    readonly channelData: readonly Float32Array<ArrayBuffer>[];
  };
  const wavDecoder: { decode: { sync(buffer: ArrayBuffer, options?: { symmetric?: boolean }): Decoded } };
  export default wavDecoder;
}
