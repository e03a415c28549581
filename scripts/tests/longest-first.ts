import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, more than half a minute, the longest first. By itself vitest begins with the largest files,
 * where it has not seen the tests run: what is short to read and long to run then comes last, with one core at rest.
 */
const longest = [
  "apps/explorer/src/test/train.test.ts",
  "apps/trainer/src/pipeline/pretrain/devices.test.ts",
  "apps/trainer/src/parity/webgpu.test.ts",
  "scripts/attack/attack.test.ts",
  "apps/trainer/src/commands/ranks.test.ts",
  "packages/eval/src/coverage.test.ts",
  "scripts/documents/later.test.ts",
  "scripts/on-a-card.test.ts",
  "apps/explorer/src/test/firefox.test.ts",
  "packages/engine/src/webgpu/webgpu-runtime.test.ts",
  "packages/engine/src/webgpu/self-test.test.ts",
  "scripts/documents/first.test.ts",
  "scripts/documents/measurements.test.ts",
  "scripts/long-run.test.ts",
  "scripts/examples.test.ts",
  "packages/engine/src/compile/random-functions.test.ts",
  "apps/trainer/src/pipeline/evaluate/protocols/run.test.ts",
  "apps/trainer/src/pipeline/corpus/one-rule.test.ts",
  "apps/trainer/src/calls.test.ts",
  "apps/explorer/src/test/model.test.ts",
  "apps/trainer/src/commands/first-hour.test.ts",
  "apps/trainer/src/commands/ranks-paths.test.ts",
  "apps/trainer/src/commands/ranks-files.test.ts",
  "packages/eval/src/coverage-labels.test.ts",
];

/** Begins with the longest test files; the others as vitest has them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = longest.indexOf(relative(this.ctx.config.root, moduleId));
      return place < 0 ? longest.length : place;
    };
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => placeOf(a) - placeOf(b));
  }
}
