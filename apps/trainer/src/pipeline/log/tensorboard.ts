import { appendFile, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { crc32c, fileError, makeFolder } from "@kdc-mae/core/node";
import {
  bytesField,
  doubleField,
  doublesField,
  floatField,
  integerField,
  message,
  messageBytes,
  textField,
  type WireBytes,
} from "@kdc-mae/core/protobuf";
import type { RunLogger, RunPicture, RunRecord } from "./run-logger.js";

const littleEndian = (value: number | bigint, bytes: 4 | 8): Uint8Array => {
  const out = new Uint8Array(bytes);
  const view = new DataView(out.buffer);
  if (bytes === 8) view.setBigUint64(0, BigInt(value), true);
  else view.setUint32(0, Number(value), true);
  return out;
};

/** A checksum as records store it, so that sums of data which hold sums still differ (TensorFlow, lib/hash/crc32c.h). */
const maskedSum = (bytes: Uint8Array): Uint8Array => {
  const sum = crc32c(bytes);
  return littleEndian((((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0, 4);
};

/** One record of a TFRecord file: length, its sum, data, their sum. */
export function recordBytes(data: Uint8Array): Uint8Array {
  const length = littleEndian(data.length, 8);
  return messageBytes(message(length, maskedSum(length), data, maskedSum(data)));
}

/** `Summary.Value` (tensorflow/core/framework/summary.proto): a tag and what it is. */
const value = (tag: string, what: WireBytes): WireBytes => bytesField(1, message(textField(1, tag), what));
const scalar = (tag: string, number: number): WireBytes => value(tag, floatField(2, number));
const picture = (tag: string, { width, height }: RunPicture, png: Uint8Array): WireBytes =>
  value(
    tag,
    bytesField(4, message(integerField(1, height), integerField(2, width), integerField(3, 3), bytesField(4, png))),
  );

/** `HistogramProto` of a few numbers, in thirty equal buckets between the least and the greatest. */
function histogram(tag: string, numbers: readonly number[]): WireBytes {
  const [least, greatest] = [Math.min(...numbers), Math.max(...numbers)];
  const count = greatest > least ? 30 : 1;
  const limits = Array.from({ length: count }, (_, at) =>
    at === count - 1 ? greatest : least + ((at + 1) * (greatest - least)) / count,
  );
  const buckets = new Array<number>(count).fill(0);
  for (const number of numbers) buckets[limits.findIndex((limit) => number <= limit)] += 1;
  const sum = numbers.reduce((all, number) => all + number, 0);
  const squares = numbers.reduce((all, number) => all + number * number, 0);
  return value(
    tag,
    bytesField(
      5,
      message(
        ...[doubleField(1, least), doubleField(2, greatest), doubleField(3, numbers.length)],
        ...[doubleField(4, sum), doubleField(5, squares), doublesField(6, limits), doublesField(7, buckets)],
      ),
    ),
  );
}

/** Numbers of a record, by the tag they are shown under. */
export function scalarsOf(record: RunRecord): Readonly<Record<string, number>> {
  const under = (group: string, values: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(values).map(([name, number]) => [`${group}/${name}`, number]));
  if (record.kind === "steps") {
    const { losses, gradientNorms, learningRate, lossScale, clipsPerSecond, waiting, memory, secondsLeft } = record;
    const gradientNorm = gradientNorms.reduce((sum, norm) => sum + norm, 0) / gradientNorms.length;
    return {
      ...under("loss", losses),
      ...under("train", { gradientNorm, learningRate, clipsPerSecond, waiting }),
      ...(lossScale === undefined ? {} : { "train/lossScale": lossScale }),
      ...under("machine", { memoryGiB: memory / 2 ** 30, hoursLeft: secondsLeft / 3600 }),
    };
  }
  if (record.kind === "epoch") {
    const { losses, evaluation = {} } = record.entry;
    const numbers = Object.entries(evaluation).flatMap(([name, number]) => (number === null ? [] : [[name, number]]));
    return { ...under("epoch", losses), ...under("evaluation", Object.fromEntries(numbers)) };
  }
  if (record.kind !== "probe") return {};
  const { rank, uniformity, deviation, alignment, retrieval, accuracy } = record.probe;
  const attention = Object.fromEntries(record.attentionEntropy.map((entropy, block) => [`block${block}`, entropy]));
  return {
    ...under("probe/rank", rank),
    ...under("probe/uniformity", uniformity),
    ...under("probe/deviation", deviation),
    ...under("probe/retrieval", retrieval),
    ...under("probe/attentionEntropy", attention),
    ...(accuracy === undefined ? {} : under("probe/accuracy", { knn: accuracy.knn, linear: accuracy.linear })),
    "probe/alignment": alignment,
  };
}

/**
 * Writes event files that TensorBoard reads: every number of a run, histograms of gradient norms (of the updates of each
 * record), and pictures of reconstructions and heat maps.
 *
 * @param directory TensorBoard's `--logdir`, or a folder in it
 */
export function tensorBoardLogger(directory: string, now: () => number = Date.now): RunLogger {
  let path = "";
  let folder = "";
  const write = async (time: number, step: number, parts: readonly WireBytes[]) => {
    const event = message(doubleField(1, time / 1000), integerField(2, step), ...parts);
    await appendFile(path, recordBytes(messageBytes(event))).catch((error) => {
      throw fileError("write", path, error);
    });
  };
  return {
    name: `TensorBoard (${directory})`,
    async begin(about) {
      await makeFolder(directory);
      folder = about.folder;
      const seconds = String(Math.floor(now() / 1000)).padStart(10, "0");
      // TensorBoard looks for "tfevents"; a step that is written again hides later ones of earlier files.
      path = join(directory, `events.out.tfevents.${seconds}.${hostname()}.${about.step}`);
      await write(now(), about.step, [textField(3, "brain.Event:2")]);
    },
    async log(record) {
      const { time, step } = record;
      const values = Object.entries(scalarsOf(record)).map(([tag, number]) => scalar(tag, number));
      if (record.kind === "steps") values.push(histogram("train/gradientNorms", record.gradientNorms));
      if (record.kind === "pictures") {
        for (const one of record.pictures) values.push(picture(one.name, one, await readFile(join(folder, one.file))));
      }
      // A message of its own for each summary would cost more than the numbers in it.
      if (values.length > 0) await write(time, step, [bytesField(5, message(...values))]);
    },
    close: () => undefined,
  };
}
