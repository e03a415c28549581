import { type ImagePair, joinPictures, type Picture, resizePicture, stackPictures } from "@kdc-mae/eval/report";

/** A window as it was, with its hole, and filled. */
export type FilledWindow = { readonly original: ImagePair; readonly holed: ImagePair; readonly filled: ImagePair };

/** Least side of a picture in a panel, and height of a spectrogram; the distance between them. Pixels. */
const [SIDE, TALL, GAP] = [192, 96, 6];

const paper = (width: number, height: number): Picture => ({
  ...{ width, height },
  data: new Uint8Array(3 * width * height).fill(250),
});

const drawn = (image: ImagePair["frame"]): Picture => {
  if (typeof image === "string") throw new Error("pictures were drawn here");
  return image;
};

/** A line where a spectrogram is being heard. */
function marked(picture: Picture, share: number | undefined): Picture {
  if (share === undefined) return picture;
  const data = picture.data.slice();
  const x = Math.min(picture.width - 2, Math.floor(share * picture.width));
  for (let y = 0; y < picture.height; y++) data.fill(255, 3 * (y * picture.width + x), 3 * (y * picture.width + x + 2));
  return { ...picture, data };
}

/**
 * The pictures side by side and the spectrograms below each other: as it was, with its hole, filled.
 *
 * @param share what is heard of the window, 0–1: marked in the spectrograms
 */
export function filledPanel({ original, holed, filled }: FilledWindow, share?: number): Picture {
  const three = [original, holed, filled];
  const side = 2 * Math.ceil(SIDE / drawn(original.frame).width / 2) * drawn(original.frame).width;
  const width = 3 * side + 4 * GAP;
  const row = [paper(GAP, side)];
  for (const { frame } of three) row.push(resizePicture(drawn(frame), side, side), paper(GAP, side));
  const rows = [paper(width, GAP), joinPictures(row)];
  for (const { spectrogram } of three) {
    const strip = marked(resizePicture(drawn(spectrogram), width - 2 * GAP, TALL), share);
    rows.push(paper(width, GAP), joinPictures([paper(GAP, TALL), strip, paper(GAP, TALL)]));
  }
  return stackPictures([...rows, paper(width, GAP)]);
}
