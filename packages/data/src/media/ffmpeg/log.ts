/**
 * What ffmpeg writes to its log at `-v level+info`. The log holds names and titles that anybody may choose, so nothing
 * is concluded from words found anywhere in it: lines count by their level, the speaking part of ffmpeg and their
 * place, and an error's text only where all of it is one that ffmpeg itself writes.
 */

/** A log with the file's own name out of the way. */
export const withoutName = (log: string, path: string): string => log.replaceAll(path, "FILE");

/** Texts of error lines, each with the parts of ffmpeg that say it taken off. */
export const errorTexts = (log: string): string[] =>
  [...log.matchAll(/^(?:\[[^\]\n]+ @ [^\]\n]+\] )*\[(?:error|fatal|panic)\] (.+)$/gm)].map(([, text]) => text.trim());

/** The largest picture that ffmpeg refused, in pixels; 0 where it refused none for its size. */
export const refusedPixels = (log: string): number =>
  errorTexts(log).reduce((most, text) => {
    const found = /^Picture size (\d{1,9})x(\d{1,9}) (?:is invalid|exceeds specified max pixel count \d+\b.*)$/.exec(
      text,
    );
    return found ? Math.max(most, Number(found[1]) * Number(found[2])) : most;
  }, 0);

/** ffmpeg's error number for the file as a whole, by the system's name or ffmpeg's own. */
export type FileError = "ENOMEM" | "EACCES" | "EIO" | "INVALIDDATA" | "EOF" | "DECODER_NOT_FOUND";

const numbers: Readonly<Record<string, FileError>> = {
  "Cannot allocate memory": "ENOMEM",
  "Permission denied": "EACCES",
  "Input/output error": "EIO",
  "Invalid data found when processing input": "INVALIDDATA",
  "End of file": "EOF",
  "Decoder not found": "DECODER_NOT_FOUND",
};

/** The last error number that ffmpeg gave for the file itself. `log` is one of {@link withoutName}. */
export function fileErrorIn(log: string): FileError | undefined {
  let last: FileError | undefined;
  for (const text of errorTexts(log)) {
    const [, number] = /^(?:FILE|Error opening input|Error during demuxing): (.+)$/.exec(text) ?? [];
    last = numbers[number ?? ""] ?? last;
  }
  return last;
}

/** The last error in ffmpeg's own words, for a person to read. */
export const lastError = (log: string): string => errorTexts(log).at(-1)?.slice(0, 200) ?? "";
