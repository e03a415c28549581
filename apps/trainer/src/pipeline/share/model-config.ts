import { readCheckpoint } from "@kdc-mae/model/node";
import { notesIn } from "../run/metadata.js";

/**
 * What hubs show of a model, as `config.json`: its kind, sizes and normalisation, all of which stand in the weights' own
 * metadata too.
 *
 * @param file a `.safetensors` that kdc-mae wrote
 */
export async function modelConfigJson(file: string): Promise<string> {
  const { metadata } = await readCheckpoint(file);
  const notes = notesIn(file, metadata);
  const classes = notes.classes();
  const config = {
    ...{ model_type: "kdc-mae", library_name: "kdc-mae", ...notes.config(), statistics: notes.statistics() },
    ...(classes === undefined ? {} : { id2label: Object.fromEntries(classes.map((name, index) => [index, name])) }),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
