/** Bytes of 16-bit or floating-point sound as samples, as they come; a sample cut in two waits for its other half. */
export function pcmReader(kind: "s16le" | "f32le"): (bytes: Uint8Array) => Float32Array {
  const width = kind === "s16le" ? 2 : 4;
  let rest = new Uint8Array(0);
  return (bytes) => {
    const all = new Uint8Array(rest.length + bytes.length);
    all.set(rest);
    all.set(bytes, rest.length);
    const count = Math.floor(all.length / width);
    rest = all.slice(count * width);
    const view = new DataView(all.buffer);
    return Float32Array.from({ length: count }, (_, at) =>
      kind === "s16le" ? view.getInt16(2 * at, true) / 32768 : inSteps16(view.getFloat32(4 * at, true)),
    );
  };
}

/** A sample from −1 to 1 in steps of 16 bits, as all sound comes; what is no number stays none. */
export const inSteps16 = (value: number): number =>
  Math.max(-32768, Math.min(32767, Math.round(value * 32768))) / 32768;

/** The samples of a sound from some place on, as they come and go. */
export type SoundBuffer = {
  /** Number of the sample after the last. */
  readonly end: number;
  readonly held: number;
  add(samples: Float32Array): void;
  /** A copy of samples `from` … `to`, or as many of them as there are. */
  slice(from: number, to: number): Float32Array;
  /** Lets go of what comes before a sample. */
  drop(before: number): void;
};

export function soundBuffer(): SoundBuffer {
  let [values, base, length] = [new Float32Array(2 ** 16), 0, 0];
  return {
    get end() {
      return base + length;
    },
    get held() {
      return length;
    },
    add(samples) {
      if (length + samples.length > values.length) {
        const larger = new Float32Array(2 * (length + samples.length));
        larger.set(values.subarray(0, length));
        values = larger;
      }
      values.set(samples, length);
      length += samples.length;
    },
    slice: (from, to) => values.slice(Math.max(0, from - base), Math.max(0, Math.min(length, to - base))),
    drop(before) {
      const gone = Math.min(length, Math.max(0, before - base));
      values.copyWithin(0, gone, length);
      base += gone;
      length -= gone;
    },
  };
}
