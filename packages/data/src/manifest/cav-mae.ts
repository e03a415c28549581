import { columnsIn } from "./columns-in.js";
import type { MediaRoot } from "./confine.js";
import { insideRoot } from "./item-from-record.js";
import { parseRecord } from "./json-lines.js";
import { labelNamed, labelsIn, type Naming } from "./labels.js";
import { manifestError } from "./manifest-error.js";
import type { Entry } from "./manifest-item.js";
import { objectsInJson } from "./objects-in-json.js";

const read = new Set(["wav", "video_id", "video_path", "labels", "columns"]);

/**
 * CAV-MAE's data file as it is: `{ "data": [{ "wav", "video_id", "video_path", "labels" }] }`, labels with commas
 * between them, pictures in `video_path/frame_i/video_id.jpg`.
 *
 * @throws KdcError naming line and field
 */
export async function* readCavMae(file: string, media: MediaRoot, naming: Naming): AsyncGenerator<Entry> {
  for await (const { line, text } of objectsInJson(file)) {
    const record = parseRecord(text, { file, line }) as Readonly<Record<string, unknown>>;
    const field = (column: string): string => {
      const value = record[column];
      if (typeof value === "string" && value !== "") return value;
      const what = value === undefined ? "it is missing" : `${JSON.stringify(value)} is not text`;
      throw manifestError({ file, line, column }, what, "Give wav, video_id, video_path and labels as text");
    };
    const id = field("video_id");
    if (/[/\\]/.test(id))
      throw manifestError({ file, line, column: "video_id" }, "it has a slash", "Give the bare name");
    const labels = labelsIn(field("labels").split(",")) ?? [];
    const item = {
      id,
      path: insideRoot(field("wav"), { file, line, column: "wav" }, media),
      labels: labels.map((label) => labelNamed(label, naming)),
      ...columnsIn(record, read),
      pictures: { folder: insideRoot(field("video_path"), { file, line, column: "video_path" }, media), name: id },
    };
    yield { line, item };
  }
}
