/**
 * A sparse bank of triangular mel filters: filter m weighs spectrum bins `first[m]` … `first[m] + count − 1` with
 * `weights[offset[m]]` …, where `count = offset[m + 1] − offset[m]`.
 */
export type MelBank = { readonly first: Int32Array; readonly offset: Int32Array; readonly weights: Float64Array };

/** The HTK / Kaldi mel scale, 1127·ln(1 + f / 700), f in Hz. */
const hertzToMel = (hertz: number): number => 1127 * Math.log(1 + hertz / 700);

/**
 * Kaldi's mel filters (`get_mel_banks` of torchaudio.compliance.kaldi): triangles equally spaced and straight-sided on
 * the mel scale between `lowHz` and the Nyquist frequency. The Nyquist bin itself is in no filter. A filter narrower
 * than a spectrum bin may hold no bin at all; it then always gives the floor.
 *
 * @param fftSize samples of a padded frame
 * @param sampleRate Hz
 * @param lowHz left foot of the first triangle, Hz
 */
export function melBank(fftSize: number, sampleRate: number, melBins: number, lowHz: number): MelBank {
  const low = hertzToMel(lowHz);
  const step = (hertzToMel(sampleRate / 2) - low) / (melBins + 1);
  const binMels = Float64Array.from({ length: fftSize / 2 }, (_, bin) => hertzToMel((bin * sampleRate) / fftSize));
  const first = new Int32Array(melBins);
  const offset = new Int32Array(melBins + 1);
  const weights: number[] = [];
  for (let m = 0; m < melBins; m++) {
    const left = low + m * step;
    const bins = [...binMels.keys()].filter((bin) => binMels[bin] > left && binMels[bin] < left + 2 * step);
    first[m] = bins[0] ?? 0;
    for (const bin of bins) {
      const rise = (binMels[bin] - left) / step;
      weights.push(Math.min(rise, 2 - rise));
    }
    offset[m + 1] = weights.length;
  }
  return { first, offset, weights: Float64Array.from(weights) };
}

/** What each filter lets through of a power spectrum. */
export function melEnergies({ first, offset, weights }: MelBank, power: Float32Array, energies: Float64Array): void {
  for (let m = 0, w = 0; m < energies.length; m++) {
    const end = offset[m + 1];
    let energy = 0;
    for (let bin = first[m]; w < end; w++, bin++) energy += weights[w] * power[bin];
    energies[m] = energy;
  }
}
