import type { Command } from "commander";
import type { DecoderChoice } from "../pipeline/corpus/open-decoder.js";
import { readAssume } from "../pipeline/run/assume.js";
import type { EngineChoice } from "./chosen-engine.js";
import { executeFor, withEngineOptions } from "./engine-options.js";
import { type AssumeChoice, expectModelFile, withAssume, withDecoderOption } from "./options.js";

/** A model that works on media: what every command that takes one reads. */
export type ModelOnMedia = EngineChoice & AssumeChoice & DecoderChoice & { readonly model: string };

/** Adds engine, decoder and `--assume`; `--model` the command names itself, with what it takes by default. */
export const withModelOnMedia = (command: Command): Command =>
  withEngineOptions(withDecoderOption(withAssume(command)));

/**
 * What those options say, as the pipeline takes it.
 *
 * @param first the command that makes such a model
 * @throws KdcError (`no-model`) when there is no such model file
 */
export async function modelOnMedia(where: string, options: ModelOnMedia, first?: string) {
  const { model, decoder, assume } = options;
  expectModelFile(where, model, first);
  return { model, decoder, execute: await executeFor(options), assume: await readAssume(assume) };
}
