import type { Execute } from "@kdc-mae/engine";
import type { RunLogger } from "../log/run-logger.js";
import type { Surroundings } from "../surroundings.js";

/** Where a run begins, where it goes, and what computes. */
export type RunOptions = Surroundings & {
  /** The run's folder; a run that was stopped there goes on. */
  readonly out: string;
  /** The checkpoint it begins with; fresh weights unless given. */
  readonly init?: string;
  /** Where made clips are kept, for experiments on made data. */
  readonly media?: string;
  /** Reads every prepared shard once before beginning, and compares its SHA-256. */
  readonly verify?: boolean;
  /** Goes on with a run though its data changed since it began; the run keeps a record of it. */
  readonly acceptChangedData?: boolean;
  /** Loggers beside the run’s own log. */
  readonly loggers?: readonly RunLogger[];
  /** What computes; ONNX Runtime on the processor unless given. */
  readonly execute?: Execute;
};
