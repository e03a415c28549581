import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodePicture } from "../visual/encode-picture.js";
import { makeMedia } from "./make-media.test.support.js";

/** A data file of CAV-MAE with a WAV per name; only the first has pictures, three of them. Returns its path. */
export async function writePictures(folder: string, film: string, names: readonly string[]): Promise<string> {
  const picture = { width: 53, height: 41, data: new Uint8Array(53 * 41 * 3).map((_, index) => index % 251), time: 0 };
  for (const frame of [0, 1, 2]) {
    await mkdir(join(folder, `frame_${frame}`), { recursive: true });
    await writeFile(
      join(folder, `frame_${frame}`, `${names[0]}.jpg`),
      await encodePicture(picture, { kind: "jpeg", quality: 90 }),
    );
  }
  for (const name of names) await makeMedia(join(folder, `${name}.wav`), "-i", film, "-vn", "-t", "0.6");
  const data = names.map((name) => ({ video_id: name, wav: `${name}.wav`, video_path: ".", labels: "/m/1,/m/2" }));
  await writeFile(
    join(folder, "data.json"),
    JSON.stringify({ data: data.map((entry) => ({ ...entry, video_path: folder })) }),
  );
  return join(folder, "data.json");
}
