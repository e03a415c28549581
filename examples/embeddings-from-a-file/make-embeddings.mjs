/**
 * Makes `embeddings.csv`, so that the example has something to read: six kinds, sound and picture of a clip near each
 * other, the picture noisier. Any model's embeddings in the same columns do as well.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const kinds = ["bell", "bird", "drum", "engine", "flute", "rain"];
const width = 8;

/** Normal numbers from a seed (a linear congruential generator, twelve uniforms summed). */
function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  return () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);
}

/** The file's text. */
export function makeEmbeddings(trainClips = 90, testClips = 60) {
  const normal = normals(7);
  const centres = kinds.map(() => Array.from({ length: width }, () => 1.4 * normal()));
  const columns = (name) => Array.from({ length: width }, (_, k) => `${name}${k}`);
  const lines = Array.from({ length: trainClips + testClips }, (_, clip) => {
    const kind = clip % kinds.length;
    const own = centres[kind].map((value) => value + 0.8 * normal());
    const sound = own.map((value) => (value + 0.3 * normal()).toFixed(3));
    const picture = own.map((value) => (value + 0.7 * normal()).toFixed(3));
    return [`clip-${clip}`, kinds[kind], clip < trainClips ? "train" : "test", ...sound, ...picture].join(",");
  });
  return `${[["id", "kind", "split", ...columns("audio"), ...columns("visual")].join(","), ...lines].join("\n")}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("embeddings.csv", import.meta.url), makeEmbeddings());
}
