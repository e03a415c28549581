import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeWav } from "./encode-wav.js";
import { locateFfmpeg } from "./locate-ffmpeg.js";
import { runProcess } from "./run-process.js";

/** Films are made by the packaged ffmpeg, so that they are the same everywhere. */
const ffmpeg = (await locateFfmpeg({ env: {} })).path;

const run = async (args: readonly string[]): Promise<Uint8Array> => {
  const { exitCode, log, outputs } = await runProcess(ffmpeg, ["-v", "error", "-y", ...args], {
    ...{ limits: [2 ** 24], timeoutMs: 60_000 },
  });
  if (exitCode !== 0) throw new Error(log);
  return outputs[0];
};

/** Brightness of a picture rises by this much a second, from 0; the tone is 200 + 100 · ⌊t⌋ Hz. */
export const rise = 40;

const pictures = (seconds: number, rate: string | number = 10, size = "64x48", from = 0) => [
  ...["-f", "lavfi", "-i"],
  `nullsrc=s=${size}:r=${rate}:d=${seconds},format=yuv444p,geq=lum='(${rise}*(T+${from}))*219/255+16':cb=128:cr=128,setsar=1`,
];
const sound = (seconds: number, rate = 16000, channels = 1, from = 0) => {
  const tone = `0.5*sin(2*PI*(200+100*floor(t+${from}))*t)`;
  return ["-f", "lavfi", "-i", `aevalsrc='${Array(channels).fill(tone).join("|")}':s=${rate}:d=${seconds}`];
};
const h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-qp", "4", "-preset", "ultrafast", "-threads", "1"];
const both = [...h264, "-c:a", "aac"];
/** The left half is white. */
const halves = (size: string) => [
  ...[
    "-f",
    "lavfi",
    "-i",
    `color=black:s=${size}:r=10:d=2,format=yuv444p,geq=lum='if(lt(X,W/2),235,16)':cb=128:cr=128`,
  ],
];

/** Makes the films of the decoder contract in a folder. */
export async function makeContractFilms(folder: string): Promise<void> {
  await mkdir(join(folder, "partial file"), { recursive: true });
  const at = (name: string) => join(folder, name);
  const make = (name: string, ...args: string[]) => run([...args, at(name)]);
  await make("plain.mp4", ...pictures(6), ...sound(6), ...both);
  const copies = ["plain.mkv", "plain.mov", "plain.ts"].map((name) => make(name, "-i", at("plain.mp4"), "-c", "copy"));
  const moved = (first: string[], second: string[]) => [...first, "-itsoffset", "2", ...second];
  await Promise.all([
    ...copies,
    make("late-sound.mp4", ...moved(pictures(6), sound(4)), ...both),
    make("late-pictures.mkv", ...moved(sound(6), pictures(4)), ...both),
    make("rgb24.mov", ...pictures(3), ...sound(3), "-c:v", "rawvideo", "-pix_fmt", "rgb24", "-c:a", "pcm_s16le"),
    make("slow.mp4", ...pictures(6, "1/2"), ...sound(6), ...both, "-bf", "0"),
    make("slow.ts", ...pictures(6, "1/2"), ...sound(6), ...both, "-bf", "0"),
    make("wide.mp4", ...pictures(2), ...sound(2), "-vf", "setsar=2", ...both),
    make("upright.mp4", ...halves("64x48"), ...sound(2), ...both),
    make("upright.mkv", ...halves("272x256"), ...sound(2), ...both, "-vf", "setsar=1"),
    make(
      "partial file/title.mp4",
      ...[...pictures(2), ...sound(2), ...both, "-metadata"],
      "title=[error] FILE: Cannot allocate memory; File ended prematurely; moov atom not found",
    ),
    make("short-pictures.mp4", ...pictures(3), ...sound(6), ...both),
    make("short-sound.mp4", ...pictures(6), ...sound(3), ...both),
    make("single.mp4", ...pictures(0.1, 10, "64x48", 3), ...sound(6), ...both),
    make(
      "two-sounds.mkv",
      ...pictures(2),
      ...sound(2),
      ...sound(2, 16000, 1, 6),
      ...[
        ...["-map", "0:v", "-map", "1:a", "-map", "2:a", ...both],
        ...["-disposition:a:0", "0", "-disposition:a:1", "default"],
      ],
    ),
    make(
      "still-first.mkv",
      ...pictures(0.1, 10, "64x48", 6),
      ...pictures(2),
      ...sound(2),
      ...[...["-map", "0:v", "-map", "1:v", "-map", "2:a", ...both, "-disposition:v:0", "default"]],
    ),
    make(
      "gap.mkv",
      ...pictures(6),
      ...sound(6),
      ...h264,
      "-c:a",
      "pcm_s16le",
      "-af",
      "aselect='not(between(t,2,3.9))'",
    ),
    make(
      "cover.m4a",
      ...sound(2),
      ...pictures(0.1),
      "-map",
      "0:a",
      "-map",
      "1:v",
      "-c:a",
      "aac",
      "-c:v",
      "mjpeg",
      ...[...["-pix_fmt", "yuvj420p", "-disposition:v", "attached_pic"]],
    ),
    ...(["ac3", "eac3", "wv"] as const).map((kind) => make(`sound.${kind}`, ...sound(2, 48000))),
    make("part-1.ts", ...pictures(3), ...sound(3), ...both),
    make("part-2.ts", ...pictures(3, 10, "96x72", 3), ...sound(3, 16000, 1, 3), ...both, "-output_ts_offset", "3"),
    make("again-2.ts", ...pictures(3, 10, "64x48", 3), ...sound(3, 16000, 1, 3), ...both),
    make("stereo-2.ts", ...pictures(3, 10, "64x48", 3), ...sound(3, 44100, 2, 3), ...both, "-output_ts_offset", "3"),
  ]);
  const join2 = async (name: string, ...parts: string[]) =>
    writeFile(at(name), Buffer.concat(await Promise.all(parts.map((part) => readFile(at(part))))));
  await join2("grows.ts", "part-1.ts", "part-2.ts");
  await join2("begins-again.ts", "part-1.ts", "again-2.ts");
  await join2("turns-stereo.ts", "part-1.ts", "stereo-2.ts");
  await writeFile(at("turned.mkv"), rolled(await readFile(at("upright.mkv"))));
  const upright = await readFile(at("upright.mp4"));
  await writeFile(at("turned.mp4"), withMatrix(upright, [0, 1, -1, 0]));
  await writeFile(at("mirrored.mp4"), withMatrix(upright, [-1, 0, 0, 1]));
  const vp8 = ["-c:v", "libvpx", "-b:v", "400k", "-deadline", "realtime", "-c:a", "libopus"];
  await writeFile(
    at("no-duration.webm"),
    await run([...pictures(6), ...sound(6, 48000), ...vp8, "-f", "webm", "pipe:1"]),
  );
  const wav = encodeWav({ samples: new Float32Array(16000).fill(0.25), sampleRate: 16000 });
  await writeFile(at("plain.wav"), wav);
  await make("not-finite.wav", "-i", at("plain.wav"), "-c:a", "pcm_f32le");
  const float = await readFile(at("not-finite.wav"));
  float.writeFloatLE(Number.NaN, float.length - 400);
  await writeFile(at("not-finite.wav"), float);
  await writeFile(at("still.heic"), heic());
}

/** The Matroska file with a projection, which rolls by 90° against the clock, in the room of its frame rate. */
function rolled(file: Buffer): Buffer {
  const at = file.indexOf(Buffer.from("e0010000000000000bb0820110ba8201009a8102", "hex")) - 8;
  if (at < 0 || file.toString("hex", at, at + 4) !== "23e38384") throw new Error("the file is laid out otherwise");
  const copy = Buffer.from(file);
  // Video of 26 bytes: width, height, a projection of ten bytes, and nothing.
  copy.write("e09ab0820110ba820100767087767584", at, "hex");
  copy.writeFloatBE(90, at + 16);
  copy.write("ec86000000000000", at + 20, "hex");
  return copy;
}

/** The MP4 file with a matrix of its pictures: where a step to the right and a step down lead. */
function withMatrix(file: Buffer, [a, b, c, d]: readonly number[]): Buffer {
  const copy = Buffer.from(file);
  const from = copy.indexOf("tkhd") + 4 + 4 + 20 + 16;
  for (const [index, value] of [a, b, 0, c, d].entries()) copy.writeInt32BE(value * 65536, from + 4 * index);
  return copy;
}

/** What a telephone writes for a photograph, as far as anybody here looks at it. */
const heic = (): Buffer => {
  const box = (type: string, body: Buffer) => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + body.length);
    head.write(type, 4, "latin1");
    return Buffer.concat([head, body]);
  };
  const brands = Buffer.from("heic\0\0\0\0mif1heic", "latin1");
  return Buffer.concat([box("ftyp", brands), box("meta", Buffer.alloc(60)), box("mdat", Buffer.alloc(500, 7))]);
};
