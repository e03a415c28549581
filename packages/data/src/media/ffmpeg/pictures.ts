/** One picture as ffmpeg wrote it, RGB. */
export type RawPicture = { readonly width: number; readonly height: number; readonly data: Uint8Array };

/** Takes PPM pictures that follow one another apart; a broken last one is left out. */
export function splitPictures(bytes: Uint8Array): RawPicture[] {
  const pictures: RawPicture[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = new TextDecoder("latin1").decode(bytes.subarray(at, at + 40));
    const found = /^P6\n(\d+) (\d+)\n255\n/.exec(head);
    if (!found) break;
    const [width, height] = [Number(found[1]), Number(found[2])];
    const from = at + found[0].length;
    at = from + width * height * 3;
    if (at > bytes.length) break;
    pictures.push({ width, height, data: bytes.subarray(from, at) });
  }
  return pictures;
}
