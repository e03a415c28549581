/** What protocols say of frames and passes in the same words. */
export const unmasked = "middle frame of the clip with the whole spectrogram, nothing hidden";
export const everyFrame = "every frame of the clip (ten equally spaced over at most 10 s)";
export const bothPasses = "audio-only pass and visual-only pass of the pretrained model, no training for the task";
