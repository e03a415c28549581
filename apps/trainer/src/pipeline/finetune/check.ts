import { checkWith } from "../experiment/check.js";
import { type CheckedFineTuning, fineTuningSchema } from "./schema.js";

/** A fine-tuning, checked. */
export const checkFineTuning = (value: unknown, source: string): CheckedFineTuning =>
  checkWith(fineTuningSchema, value, source);
