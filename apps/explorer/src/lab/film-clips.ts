import { type Frame, KdcError } from "@kdc-mae/core";
import { chooseFrames } from "@kdc-mae/data";
import { type ClipForm, type StoredClip, storeClip } from "@kdc-mae/trainer/recipe";
import { openFilm } from "../media/film.js";

export type NamedFile = { readonly name: string; readonly file: Blob };

/** Films of one's own as clips; what cannot be used is left out, with its reason. */
export async function filmClips(
  form: ClipForm,
  files: readonly NamedFile[],
  onMade: (made: number) => void = () => undefined,
): Promise<{ readonly clips: readonly StoredClip[]; readonly leftOut: readonly string[] }> {
  const clips: StoredClip[] = [];
  const leftOut: string[] = [];
  for (const { name, file } of files) {
    try {
      const film = await openFilm(file, name);
      try {
        const seconds = Math.min(form.seconds + 0.1, film.facts.seconds);
        const frames: Frame[] = [];
        for await (const frame of film.pictures(chooseFrames(seconds, form.framesPerClip, form.seconds)))
          frames.push(frame);
        const waveform = await film.sound(form.audio.sampleRate, form.seconds + 0.1);
        clips.push(storeClip({ item: { id: name, path: name, labels: [] }, waveform, frames }, form));
      } finally {
        film.close();
      }
    } catch (error) {
      leftOut.push(error instanceof KdcError ? error.message : `${name}: ${String(error)}`);
    }
    onMade(clips.length + leftOut.length);
  }
  return { clips, leftOut };
}
