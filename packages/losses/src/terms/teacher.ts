import type { Encoded, Evidence } from "@kdc-mae/core";
import {
  add,
  div,
  expandDims,
  eye,
  matMul,
  mean,
  mul,
  relu,
  sqrt,
  square,
  step,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from "@tensorflow/tfjs-core";
import { average } from "../average.js";
import { aboveZero, streamsOf, strictOptions } from "../options.js";
import { stopGradient } from "../stop-gradient.js";
import { type EncodedStream, expectNeeds, type LossTerm, type Needs } from "../term.js";
import { unitLength } from "../unit-length.js";

const streamNames: readonly EncodedStream[] = ["joint", "audio", "visual"];

/** Options of the term `teacher-cosine`. */
export type TeacherCosineOptions = {
  /** Which streams are compared, each by its mean token. Default joint, audio and visual. */
  readonly streams?: readonly EncodedStream[];
};

/** Options of the term `teacher-relations`. */
export type TeacherRelationsOptions = TeacherCosineOptions & {
  /** Weight of the distances; default 1. */
  readonly distance?: number;
  /** Weight of the angles; default 2, as published. */
  readonly angle?: number;
};

const needsOf = ({
  streams = streamNames,
}: TeacherCosineOptions = {}): Needs & {
  readonly encoded: readonly EncodedStream[];
} => ({ views: 1, encoded: streams, pooled: streams, patches: false, teacher: true });

/** Mean tokens of student and teacher, both `[B, D]`: of every view, every stream. */
function pairsOf(where: string, evidence: Evidence, options?: TeacherCosineOptions): [Tensor2D, Tensor2D][] {
  const needs = needsOf(options);
  expectNeeds(where, needs, evidence);
  // Its needs name the stream, so it is there.
  const pooled = (encoded: Encoded, stream: EncodedStream) => mean(encoded[stream] as Tensor3D, 1) as Tensor2D;
  const taught = evidence.teacher ?? [];
  return evidence.views.flatMap(({ encoded }, view) =>
    needs.encoded.map((stream): [Tensor2D, Tensor2D] => [
      pooled(encoded, stream),
      stopGradient(pooled(taught[view], stream)),
    ]),
  );
}

/**
 * The student's embeddings point where the teacher's do: mean over clips, views and streams of 1 − cosine of the mean tokens.
 * Both have as many channels.
 */
export const teacherCosine: LossTerm<TeacherCosineOptions> = {
  name: "teacher-cosine",
  schema: strictOptions<TeacherCosineOptions>({ streams: streamsOf(streamNames) }),
  needs: needsOf,
  compute: (evidence, options) =>
    tidy(() =>
      average(
        pairsOf("teacher-cosine", evidence, options).map(([student, teacher]) =>
          sub(1, mean(sum(mul(unitLength(student), unitLength(teacher)), -1))),
        ),
      ),
    ),
};

/** Huber's loss at 1: half the square up to there, then the distance less a half. */
function huber(difference: Tensor): Tensor {
  const away = add(relu(difference), relu(mul(difference, -1)));
  const beyond = relu(sub(away, 1));
  return add(mul(square(sub(away, beyond)), 0.5), beyond);
}

/**
 * How the embeddings of a batch `[B, D]` lie to one another (Park et al. 2019, equations 5 and 7): `distances [B, B]` over
 * their mean, 0 of each to itself; `angles [B, B, B]`, cosines at the first of three clips.
 */
export function relationsOf(embeddings: Tensor2D): { readonly distances: Tensor2D; readonly angles: Tensor3D } {
  const [B] = embeddings.shape;
  const others = sub(1, eye(B)) as Tensor2D;
  // From each to each, [B, B, D]. Clips that are alike, and a clip and itself, have no direction between them: their length is
  // one below, so that its gradient is 0 and not rounding's 10¹².
  const ways = mul(sub(expandDims(embeddings, 0), expandDims(embeddings, 1)), expandDims(others, 2));
  const squares = sum(square(ways), -1);
  const differ = step(sub(squares, 1e-12));
  const lengths = sqrt(add(add(squares, sub(1, differ)), 1e-24)) as Tensor2D;
  const apart = mul(lengths, differ);
  const usual = div(sum(apart), Math.max(1, B * (B - 1)));
  const directions = div(ways, expandDims(lengths, 2)) as Tensor3D;
  return {
    distances: div(apart, add(usual, 1e-12)) as Tensor2D,
    angles: matMul(directions, directions, false, true) as Tensor3D,
  };
}

/**
 * The student's embeddings lie to one another as the teacher's do, whatever their channels: relational knowledge
 * distillation (RKD, Park et al., CVPR 2019): Huber's loss between distances of two clips over the batch's mean distance, and
 * between the cosines of the angles of three; mean over pairs, triples, views and streams.
 */
export const teacherRelations: LossTerm<TeacherRelationsOptions> = {
  name: "teacher-relations",
  comparesClips: true,
  schema: strictOptions<TeacherRelationsOptions>({
    streams: streamsOf(streamNames),
    distance: aboveZero(1),
    angle: aboveZero(2),
  }),
  needs: (options) => ({ ...needsOf(options), clips: 2 }),
  compute: (evidence, options = {}) => {
    const { distance = 1, angle = 2 } = options;
    return tidy(() =>
      average(
        pairsOf("teacher-relations", evidence, options).map(([student, teacher]) => {
          const [own, taught] = [relationsOf(student), relationsOf(teacher)];
          const pairs = mean(huber(sub(own.distances, taught.distances)));
          const triples = mean(huber(sub(own.angles, taught.angles)));
          return add(mul(pairs, distance), mul(triples, angle));
        }),
      ),
    );
  },
};
