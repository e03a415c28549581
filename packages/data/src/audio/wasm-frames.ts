import {
  add,
  addFloat,
  advance,
  type Code,
  countDown,
  divideFloat,
  float,
  four,
  get,
  load,
  loadLane,
  mul,
  plus,
  readFloat,
  set,
  spread,
  store,
  sub,
  whole,
  writeFloat,
} from "@kdc-mae/core/wasm";
import { rowsAtOnce } from "./float32-mean.js";
import { counter, inner, type KernelPlan, type Layout, samples, v, vec, x, y, z } from "./wasm-plan.js";

/** Means of four frames, one after the other, into `means`: what `frameMean` does, its 32 columns as eight vectors. */
export function meansOfFrames({ window, shift }: KernelPlan, at: Layout): Code {
  const columns = 32;
  const rows = Math.floor(window.length / columns);
  const total = [0, 1, 2, 3, 4, 5, 6, 7].map(vec);
  const block = [8, 9, 10, 11, 12, 13, 14, 15].map(vec);
  const addRows = (count: number): Code =>
    count === 0
      ? []
      : [
          ...block.flatMap((local) => set(local, four(0))),
          ...set(inner, whole(count)),
          ...countDown(inner, [
            ...block.flatMap((local, index) => set(local, add(get(local), load(get(x), v * index)))),
            ...advance(x, 4 * columns),
          ]),
          ...total.flatMap((local, index) => set(local, add(get(local), get(block[index])))),
        ];
  const blocks = Math.floor(rows / rowsAtOnce);
  const eights = Math.floor((window.length - columns * rows) / 8);
  const singles = window.length % 8;
  const addEight = [0, 1].flatMap((half) => set(total[half], add(get(total[half]), load(get(x), v * half))));
  const oneMean = (frame: number): Code => {
    const left = Array.from({ length: singles }, (_, index) => readFloat(get(x), 4 * index));
    const lanes = Array.from({ length: 8 }, (_, index) => readFloat(whole(at.lanes), 4 * index));
    const sum = [...left, ...lanes].reduce<Code>((all, value) => addFloat(all, value), float(0));
    return [
      ...set(x, plus(get(samples), whole(4 * shift * frame))),
      ...total.flatMap((local) => set(local, four(0))),
      ...(blocks === 0 ? [] : [...set(counter, whole(blocks)), ...countDown(counter, addRows(rowsAtOnce))]),
      ...addRows(rows % rowsAtOnce),
      ...Array.from({ length: eights }, () => [...addEight, ...advance(x, v + v)]).flat(),
      ...[2, 3, 4, 5, 6, 7].flatMap((index) => set(total[index % 2], add(get(total[index % 2]), get(total[index])))),
      ...[0, 1].flatMap((half) => store(whole(at.lanes), v * half, get(total[half]))),
      ...writeFloat(whole(at.means), 4 * frame, divideFloat(sum, float(window.length))),
    ];
  };
  return [0, 1, 2, 3].flatMap(oneMean);
}

/** Four frames side by side: lane i holds frame i. Removes their means, pre-emphasises and windows. */
export function windowFrames({ window, shift, preemphasis }: KernelPlan, at: Layout): Code {
  const [mean, previous, current] = [vec(0), vec(1), vec(2)];
  const row = 4 * shift;
  const gathered = [1, 2, 3].reduce<Code>((lanes, lane) => loadLane(get(x), lanes, lane, lane * row), spread(get(x)));
  return [
    ...[...set(x, get(samples)), ...set(y, whole(at.frames[0])), ...set(z, whole(at.window))],
    ...[...set(mean, load(whole(at.means))), ...set(previous, sub(gathered, get(mean)))],
    ...set(inner, whole(window.length)),
    ...countDown(inner, [
      ...set(current, sub(gathered, get(mean))),
      ...store(get(y), 0, mul(spread(get(z)), sub(get(current), mul(four(preemphasis), get(previous))))),
      ...set(previous, get(current)),
      ...[...advance(x, 4), ...advance(y, v), ...advance(z, 4)],
    ]),
  ];
}
