import { createRng } from "@kdc-mae/core";
import type { StoredClip } from "@kdc-mae/data";
import { heatPicture, type Picture, reportHtml } from "@kdc-mae/eval/report";
import { initModel } from "@kdc-mae/model";
import { describe, expect, it } from "vitest";
import { createPatchSampler } from "../pretrain/draw-views.js";
import { embedClips } from "./embed-clips.js";
import { changedFrom, config, cutting, model, soundingClip } from "./made-moments.test.support.js";
import { pictureClips, stripsAt } from "./picture-clips.js";
import { restoredPredictions } from "./reconstruct.js";
import { restoredNote } from "./run-in-words.js";

const raw = { audio: "raw", visual: "raw" } as const;
const options = { seed: 3, ratio: 0.75, audioRatio: 0.75, targets: raw };
const pictured = async (clips: readonly StoredClip[]) =>
  pictureClips(clips, await embedClips(clips, model, cutting), model, cutting, options);
const reelOf = async (clip: StoredClip) => (await pictured([clip]))[0].reel!;

/** Places of the patches, `side` pixels wide, that are one flat grey, in a picture. */
function veiled({ width, height, data }: Picture, side: number): number[] {
  const grey = (x: number, y: number) => [150, 153, 150].every((part, c) => data[3 * (y * width + x) + c] === part);
  const columns = width / side;
  return Array.from({ length: columns * (height / side) }, (_, place) => place).filter((place) => {
    const [left, top] = [(place % columns) * side, Math.floor(place / columns) * side];
    return Array.from({ length: side * side }, (_, i) => i).every((i) =>
      grey(left + (i % side), top + Math.floor(i / side)),
    );
  });
}
const pixels = (picture: unknown) => (picture as Picture).data;

describe("the reel", () => {
  it("shows every frame with the stretch of sound around it", async () => {
    const reel = await reelOf(soundingClip());
    expect(reel).toHaveLength(5);
    for (const [index, { heat, heard }] of reel.entries()) {
      expect(heat).toMatchObject({ width: 48, height: 48 });
      expect(heard[1] - heard[0]).toBeCloseTo(2 / 6, 12);
      const at = soundingClip().times[index] / 0.96;
      expect([heard[0] <= at, at <= heard[1]]).toEqual([true, true]);
    }
  });

  it("follows the sound: where it stops, the heat over the same picture is another", async () => {
    const whole = await reelOf(soundingClip());
    const stops = await reelOf(changedFrom(3, soundingClip()));
    const never = await reelOf(changedFrom(0, soundingClip()));
    const difference = (a: typeof whole, b: typeof whole, at: number) =>
      pixels(a[at].heat).reduce((sum, value, i) => sum + Math.abs(value - pixels(b[at].heat)[i]), 0) / (48 * 48 * 3);
    // Moments share one scale, so the sounding ones move a little with the silent ones; the silent ones change in kind.
    const [sounding, silent] = [
      [0, 1],
      [3, 4],
    ];
    for (const at of silent) {
      expect(difference(stops, whole, at)).toBeGreaterThan(difference(stops, never, at));
      expect(difference(stops, whole, at)).toBeGreaterThan(1);
    }
    for (const at of sounding) expect(difference(stops, never, at)).toBeGreaterThan(difference(stops, whole, at));
  });

  it("takes each clip's own frames, across batches, and none where there is one frame", async () => {
    const clips = [
      soundingClip("a"),
      { ...soundingClip("b", 1900), frames: soundingClip().frames.slice(0, 1), times: [0.4] },
    ];
    const [a, b] = await pictured(clips);
    expect(a.reel).toEqual(await reelOf(clips[0]));
    expect(b.reel).toBeUndefined();
    expect(b.heat).toBeDefined();
  });
});

describe("views and reconstructions", () => {
  it("each view hides what it should, none sees the other's, and what is seen comes back as it was", async () => {
    const [{ original, views, reconstructions }] = await pictured([soundingClip()]);
    const hidden = views.map(({ frame, spectrogram }) => ({
      frame: veiled(frame as Picture, 12),
      spectrogram: veiled(spectrogram as Picture, 16),
    }));
    expect(hidden.map(({ frame, spectrogram }) => [frame.length, spectrogram.length])).toEqual([
      [12, 9],
      [12, 9],
    ]);
    for (const part of ["frame", "spectrogram"] as const) {
      const places = part === "frame" ? 16 : 12;
      for (let place = 0; place < places; place++) expect(hidden.some((view) => view[part].includes(place))).toBe(true);
      for (const [v, { [part]: made }] of reconstructions.entries()) {
        const side = part === "frame" ? 12 : 16;
        const { width } = made as Picture;
        const same = (place: number) => {
          const [left, top] = [(place % (width / side)) * side, Math.floor(place / (width / side)) * side];
          return Array.from(
            { length: side * side },
            (_, i) => 3 * ((top + Math.floor(i / side)) * width + left + (i % side)),
          ).every((i) => pixels(made)[i] === pixels(original[part])[i]);
        };
        for (let place = 0; place < places; place++)
          expect([v, part, place, same(place)]).toEqual([v, part, place, !hidden[v][part].includes(place)]);
      }
    }
  });
});

describe("a model that draws its views", () => {
  it("is shown with its probabilities, the likeliest patch the hottest, and the views it would draw", async () => {
    const sampler = { heads: 3, temperature: 0.05 };
    const own = { ...config, sampler };
    const drawing = { ...model, config: own, params: initModel(own, createRng(7)) };
    const clip = soundingClip();
    const [{ likely, views, original }] = await pictureClips([clip], [], drawing, cutting, options);
    const drawn = createPatchSampler(model.execute, own, { views: 2, audioRatio: 0.75, visualRatio: 0.75 });
    const { likely: logs } = await drawn.sample(drawing.params, await cutting.cutter.cut([{ clip }]), [createRng(1)]);
    await drawn.dispose();
    // Row 0 is on top of a picture and at the bottom of a spectrogram.
    for (const [part, { data }, columns, side, flipped] of [
      ["frame", logs.visual, 4, 12, false],
      ["spectrogram", logs.audio, 6, 16, true],
    ] as const) {
      const { width, height } = original[part] as Picture;
      const rows = height / side;
      const heat = Float32Array.from({ length: width * height }, (_, at) => {
        const [x, y] = [Math.floor((at % width) / side), Math.floor(Math.floor(at / width) / side)];
        return Math.exp(data[(flipped ? rows - 1 - y : y) * columns + x] - Math.max(...data));
      });
      expect(new Set(heat).size).toBeGreaterThan(1);
      const expected = heatPicture(original[part] as Picture, { shape: [height, width], data: heat });
      expect(pixels(likely![part])).toEqual(expected.data);
      const seen = views.map((view) => veiled(view[part] as Picture, side).length);
      expect(seen).toEqual(part === "frame" ? [12, 12] : [9, 9]);
    }
    const [same] = await pictureClips([clip], [], drawing, cutting, options);
    expect(pixels(same.views[0].frame)).toEqual(pixels(views[0].frame));
    const [other] = await pictureClips([clip], [], model, cutting, options);
    expect(other.likely).toBeUndefined();
    const page = reportHtml({
      ...{ title: "t", engine: "e", seconds: { media: 0, evaluate: 0, total: 0 } },
      dataset: { train: 0, test: 1, kinds: [], leftOut: {} },
      clips: await pictureClips([clip], [], drawing, cutting, options),
    });
    expect(page).toContain("how likely each patch is seen, spectrogram");
    expect(page).toContain("Views are drawn by the sampling network");
  });
});

describe("strips", () => {
  it("hide more and more of the same clip", async () => {
    const strips = await stripsAt([soundingClip("a"), soundingClip("b", 1900)], model, cutting, {
      seed: 3,
      targets: raw,
    });
    expect(strips.map(({ label }) => label)).toEqual(["a", "b"]);
    for (const { masks } of strips) {
      expect(masks.map(({ caption }) => caption)).toEqual(["50.0 % hidden", "75.0 % hidden", "90.0 % hidden"]);
      const counts = masks.map(({ masked }) => [
        veiled(masked.frame as Picture, 12).length,
        veiled(masked.spectrogram as Picture, 16).length,
      ]);
      expect(counts).toEqual([
        [8, 6],
        [12, 9],
        [15, 11],
      ]);
      for (const { masked, restored } of masks) expect(pixels(restored.frame)).not.toEqual(pixels(masked.frame));
    }
  });

  it("depend on the seed alone", async () => {
    const of = (seed: number) => stripsAt([soundingClip()], model, cutting, { seed, targets: raw });
    const first = await of(3);
    expect(await of(3)).toEqual(first);
    expect(await of(4)).not.toEqual(first);
  });
});

describe("a model of normalised pixels", () => {
  it("has its pictures brought back, in the modality that was normalised alone", async () => {
    const clips = [soundingClip()];
    const draw = async (targets: { audio: "raw" | "de-normalized"; visual: "raw" | "de-normalized" }) =>
      (await pictureClips(clips, [], model, cutting, { ...options, targets }))[0].reconstructions[0];
    const [plain, frames] = [await draw(raw), await draw({ audio: "raw", visual: "de-normalized" })];
    expect(pixels(frames.spectrogram)).toEqual(pixels(plain.spectrogram));
    expect(pixels(frames.frame)).not.toEqual(pixels(plain.frame));
    const [strip] = await stripsAt(clips, model, cutting, {
      seed: 3,
      targets: { audio: "de-normalized", visual: "raw" },
    });
    const [asItIs] = await stripsAt(clips, model, cutting, { seed: 3, targets: raw });
    expect(pixels(strip.masks[1].restored.frame)).toEqual(pixels(asItIs.masks[1].restored.frame));
    expect(pixels(strip.masks[1].restored.spectrogram)).not.toEqual(pixels(asItIs.masks[1].restored.spectrogram));
  });

  it("shows the truth where it predicts the normalised truth", () => {
    const values = Float32Array.from({ length: 2 * 3 * 4 }, (_, i) => ((i * 7) % 11) / 3);
    const truth = { dtype: "float32", shape: [2, 3, 4], data: values } as const;
    const normalized = values.slice();
    for (let at = 0; at < values.length; at += 4) {
      const patch = normalized.subarray(at, at + 4);
      const mean = patch.reduce((sum, value) => sum + value, 0) / 4;
      const deviation = Math.sqrt(patch.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3 + 1e-6);
      patch.forEach((value, i) => {
        patch[i] = (value - mean) / deviation;
      });
    }
    const patches = { audio: truth, visual: truth };
    const predicted = { audio: { ...truth, data: normalized }, visual: { ...truth, data: normalized } };
    const targets = { audio: "raw", visual: "de-normalized" } as const;
    const [made] = restoredPredictions(
      { clips: [], views: [], patches, predictions: [predicted] },
      targets,
    ).predictions;
    expect(made.audio.data).toEqual(normalized);
    for (const [i, value] of values.entries()) expect(made.visual.data[i]).toBeCloseTo(value, 5);
    expect(restoredNote(targets).pictureNote).toContain("In the frames each patch it made was given the TRUE patch’s");
    expect(restoredNote(raw)).toEqual({});
  });
});
