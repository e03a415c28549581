import { KdcError } from "@kdc-mae/core";

/** What a label can be perceived by: heard, seen, or both. */
export type Perceived = "A" | "V" | "AV";

/** One clip of VGGSounder: its labels, and what else its annotators saw. */
export type VggSounderClip = {
  readonly labels: Readonly<Record<string, Perceived>>;
  readonly backgroundMusic: boolean;
  readonly staticImage: boolean;
  readonly voiceOver: boolean;
};

/** The fields of one line of CSV (RFC 4180). */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );
}

const columns = ["video_id", "label", "modality"] as const;

/**
 * Reads VGGSounder's labels as its authors publish them (arXiv 2508.08237; `vggsounder.csv`): one line per clip and
 * label, columns video_id, label, modality (A, V or AV), and where they are there background_music, static_image,
 * voice_over (True or False).
 *
 * @throws KdcError (`vggsounder`) naming the line that is not so
 */
export function readVggSounder(text: string): ReadonlyMap<string, VggSounderClip> {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const refuse = (line: number, what: string): never => {
    throw new KdcError({
      where: `VGGSounder labels, line ${line + 1}`,
      what,
      remedy: "Give vggsounder.csv as its authors publish it: video_id,label,modality,background_music,…",
      reason: "vggsounder",
    });
  };
  const head = fieldsOf(lines[0]).map((name) => name.trim());
  const at = (name: string) => head.indexOf(name);
  const missing = columns.find((name) => at(name) < 0);
  if (missing !== undefined) refuse(0, `there is no column ${missing}`);
  const clips = new Map<string, VggSounderClip>();
  for (const [number, line] of lines.entries()) {
    if (number === 0 || line.trim() === "") continue;
    const fields = fieldsOf(line);
    const [id, label, modality] = columns.map((name) => fields[at(name)]?.trim() ?? "");
    if (id === "" || label === "" || !["A", "V", "AV"].includes(modality)) {
      refuse(number, `clip "${id}", label "${label}", modality "${modality}"`);
    }
    const meta = (name: string) => at(name) >= 0 && /^true$/i.test(fields[at(name)]?.trim() ?? "");
    const known = clips.get(id);
    clips.set(id, {
      labels: { ...known?.labels, [label]: modality as Perceived },
      backgroundMusic: meta("background_music"),
      staticImage: meta("static_image"),
      voiceOver: meta("voice_over"),
    });
  }
  if (clips.size === 0) refuse(0, "there are no clips");
  return clips;
}
