import "../backend/register.js";
import { type FloatTensor, type HostTensor, type Tree, treeLeaves } from "@kdc-mae/core";
import * as tf from "@tensorflow/tfjs-core";
import { asTree, type Hosted, type HostedParams } from "../run/program.js";
import { type DeviceTensor, type Placed, readTree } from "../run/runtime.js";
import { programsOf, type StepRuntime } from "./device-state.js";
import { readNumbers, scalarOf, stepOnDevice, termsOf } from "./device-step.js";
import { valueAndGradients } from "./gradient.js";
import { joinParts, partOfBatch, rebuild } from "./join-parts.js";
import { type Along, type LossInParts, projected, wholeWithGradients } from "./loss-in-parts.js";
import { unscale } from "./loss-scale.js";
import type { Optimizer } from "./optimizer.js";
import { addTo, flat, type Held, keyOf, type Named, pathOf, updateAll } from "./traced-update.js";
import { expectGoing, sharesOf, type TrainStep, type TrainStepOptions } from "./update.js";

/**
 * {@link createCachedStep} with parameters, moments and sums of gradients on a runtime's device. The parts of each
 * batch, a few numbers for every clip, come to ordinary memory to be joined, and the directions they are to change in
 * go back.
 */
export function createDeviceCachedStep<Params, Batch, Parts, OptimizerState>(
  runtime: StepRuntime,
  loss: LossInParts<Params, Batch, Parts>,
  optimizer: Optimizer<HostedParams<Params>, OptimizerState>,
  options: TrainStepOptions<Batch>,
): TrainStep<Params, Batch, OptimizerState> {
  const { clips, signal } = options;
  return stepOnDevice<Params, Batch, OptimizerState>(runtime, optimizer, options, (tools) => {
    const { state: device, rule, seen, numbers, scaled } = tools;
    let missing: readonly string[] = [];
    let direct: readonly string[] = [];
    const withoutGradient = () => missing.filter((path) => !direct.includes(path));
    type Given = { readonly params: Named; readonly follower: Named; readonly batch: Batch };
    const forward = ({ params, follower: tensors, batch }: Given) =>
      loss.part(device.asParams(params), seen(batch, tensors));
    const differentiate = wholeWithGradients<Params, Parts>(loss.whole);
    const middle = (inputs: { readonly params: Named; readonly parts: Parts; readonly scale: tf.Scalar }) => {
      const { parts, scale } = inputs;
      const made = differentiate({ params: device.asParams(inputs.params), parts, ...(scaled ? { scale } : {}) });
      direct = Object.keys(made.toParams);
      const toParams = Object.fromEntries(Object.entries(made.toParams).map(([path, one]) => [keyOf(path), one]));
      const toParts = Object.fromEntries(Object.entries(made.toParts).map(([path, one]) => [keyOf(path), one]));
      return { report: unscale(made.total, made.terms), toParams, toParts };
    };
    const gradient = valueAndGradients(projected<Params, Batch, Parts>(loss.part), (paths) => {
      missing = paths;
    });
    type Back = Given & { readonly along: Named; readonly sums: Named; readonly isFirst: tf.Scalar };
    const backward = ({ params, follower: tensors, batch, along, sums, isFirst }: Back) => {
      const directions: Along = Object.fromEntries(Object.entries(along).map(([key, one]) => [pathOf(key), one]));
      const given = { batch: seen(batch, tensors), along: directions };
      const { gradients } = gradient({ params: device.asParams(params), batch: given });
      return { sums: addTo(sums, flat(asTree<tf.Tensor>(gradients)), tf.scalar(1), isFirst) };
    };
    type Last = Held & {
      readonly sums: Named;
      readonly toParams: Named;
      readonly numbers: tf.Tensor1D;
      readonly total: tf.Scalar;
    };
    const last = ({ sums, toParams, ...inputs }: Last) => {
      const gradients = Object.fromEntries(
        Object.entries(sums).map(([key, sum]) => [key, toParams[key] === undefined ? sum : tf.add(sum, toParams[key])]),
      );
      const { norm, ...state } = updateAll(rule, { ...inputs, gradients }, new Set(withoutGradient().map(keyOf)));
      return { ...state, report: { norm } };
    };
    const programs = {
      forward: programsOf(runtime, forward),
      middle: programsOf(runtime, middle),
      backward: programsOf(runtime, backward),
      last: programsOf(runtime, last),
    };
    return {
      attempt: async (state, batches, rate, scale) => {
        const { own, shares } = sharesOf<Batch>(batches, clips);
        const made: Tree<HostTensor>[] = [];
        for (const { batch } of own) {
          expectGoing(signal, state.step + 1);
          const { params, follower: tensors } = await device.held(state);
          const part = await programs.forward.launch({ params, follower: tensors, batch } as Placed<Given>, batch);
          made.push(asTree(await readTree(part as Placed<Parts>)));
        }
        const joined = joinParts(made, shares);
        const { params } = await device.held(state);
        const parts = rebuild(made[0], joined) as Hosted<Parts>;
        const whole = await programs.middle.launch(
          { params, parts, scale: scalarOf(scale) } as Parameters<typeof programs.middle.launch>[0],
          parts,
        );
        const [{ total, ...terms }, read] = await Promise.all([
          readNumbers(whole.report),
          readTree<Named>(whole.toParts as Placed<Named>),
        ]);
        const toParts = asTree<FloatTensor>(read);
        const byPath = Object.fromEntries(treeLeaves(toParts).map(([key, one]) => [pathOf(key), one]));
        for (const [at, { batch, index, share }] of own.entries()) {
          expectGoing(signal, state.step + 1);
          const along = Object.fromEntries(
            Object.entries(partOfBatch(byPath, joined, index, share)).map(([path, one]) => [keyOf(path), one]),
          );
          const held = await device.held(state);
          const given = { params: held.params, follower: held.follower, batch, along };
          const inputs = { ...given, sums: await device.sums(), isFirst: scalarOf(at === 0 ? 1 : 0) };
          device.adopt(await programs.backward.launch(inputs as Placed<Back>, batch));
        }
        expectGoing(signal, state.step + 1);
        const held = await device.held(state);
        const toParams = whole.toParams as unknown as Named<DeviceTensor>;
        const given = { ...held, sums: await device.sums(), toParams, numbers: numbers(state, rate, scale) };
        const updated = await programs.last.launch({ ...given, total: scalarOf(total) } as Placed<Last>, []);
        const norm = readNumbers(updated.report);
        device.adopt(updated);
        return { total, gradientNorm: (await norm).norm, terms: termsOf(terms) };
      },
      withoutGradient,
      dispose: async () => {
        for (const { dispose } of Object.values(programs)) await dispose();
      },
    };
  });
}
