import type { TrainProgress } from "./train.js";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The live figures of a run, in words. */
export const progressInWords = ({ total, rate, waiting, ranks }: TrainProgress): string => {
  const told = [`loss ${total.toFixed(3)}`, `rate ${rate.toExponential(1)}`];
  told.push(`waiting for data ${percent(waiting)} of the time`);
  if (ranks !== undefined)
    told.push(`communicating ${percent(ranks.travelling)} and waiting for ranks ${percent(ranks.waiting)} of a step`);
  return told.join(", ");
};
