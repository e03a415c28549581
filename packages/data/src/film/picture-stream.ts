import type { RawPicture } from "../media/ffmpeg/pictures.js";

const longestHead = 32;

/** Takes PPM pictures apart as their bytes come. */
export function pictureReader(): (bytes: Uint8Array) => RawPicture[] {
  let [parts, held]: [Uint8Array[], number] = [[], 0];
  let needed = 0;
  return (bytes) => {
    parts.push(bytes);
    held += bytes.length;
    const pictures: RawPicture[] = [];
    while (held > 0 && held >= needed) {
      const all = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      parts = [all];
      const found = /^P6\n(\d+) (\d+)\n255\n/.exec(new TextDecoder("latin1").decode(all.subarray(0, longestHead)));
      if (!found) break;
      const [width, height, from] = [Number(found[1]), Number(found[2]), found[0].length];
      needed = from + width * height * 3;
      if (held < needed) break;
      pictures.push({ width, height, data: Uint8Array.from(all.subarray(from, needed)) });
      parts = [all.subarray(needed)];
      held -= needed;
      needed = 0;
    }
    return pictures;
  };
}
