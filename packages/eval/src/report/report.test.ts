import { createRng } from "@kdc-mae/core";
import { decode } from "fast-png";
import { beforeAll, describe, expect, it } from "vitest";
import { linearProbe } from "../classification/linear-probe.js";
import { classificationFigures } from "../figures.js";
import { inpainting } from "../inpainting/inpainting.js";
import { localization } from "../localization/localization.js";
import { matrix } from "../matrix.js";
import { retrieval } from "../retrieval/retrieval.js";
import { headline, verdictOf } from "./headline.js";
import { intervalText, numberText } from "./number-text.js";
import type { Picture } from "./pictures.js";
import { reportHtml } from "./report-html.js";
import type { ReportInput } from "./report-input.js";
import { reportMarkdown } from "./report-markdown.js";
import { reportJson } from "./report-record.js";

const rng = createRng("report");
const kinds = ["bell & <whistle>", "drum", "flute"];

/** Rows around one centre per kind. */
function rows(count: number, width = 5, spread = 0.6) {
  const labels = Int32Array.from({ length: count }, (_, i) => i % kinds.length);
  const features = matrix(count, width);
  for (let i = 0; i < features.data.length; i++) {
    const own = i % width === labels[Math.floor(i / width)] ? 2 : 0;
    features.data[i] = own + spread * rng.normal();
  }
  return { features, labels };
}

function picture(width: number, height: number): Picture {
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => rng.integer(256)) };
}

async function sample(): Promise<ReportInput> {
  const audio = rows(23);
  const visual = matrix(
    23,
    5,
    Float32Array.from(audio.features.data, (value) => value + 0.3 * rng.normal()),
  );
  const probe = () => linearProbe({ kinds, train: rows(61), test: rows(31) });
  const values = (error: number) => {
    const target = Float32Array.from({ length: 2 * 4 * 3 }, () => rng.normal());
    return {
      target: { shape: [2, 4, 3], data: target },
      predicted: { shape: [2, 4, 3], data: target.map((value) => value + error) },
      visible: { shape: [2, 1], data: Int32Array.of(0, 2) },
      hidden: { shape: [2, 3], data: Int32Array.of(1, 2, 3, 0, 1, 3) },
    };
  };
  const batches = [{ audio: values(0.1), visual: values(0.2) }];
  const pair = { frame: picture(14, 14), spectrogram: picture(17, 8) };
  return {
    title: "A demo of <kinds> & sounds",
    summary: "Two views of 61 clips.",
    engine: "compiled, onnxruntime cpu",
    dataset: { train: 61, test: 31, kinds, leftOut: { "no-audio": 2 } },
    seconds: { media: 3.2, pretrain: 131, evaluate: 4, total: 138.2 },
    settings: [["command", "kdc-mae demo --seed '7'"]],
    losses: { steps: [0, 1, 2], series: { total: [3, 2, 1.5], contrastive: [1, Number.NaN, 0.5] } },
    retrieval: retrieval({ audio: audio.features, visual }),
    classification: { audio: probe(), visual: probe(), joint: probe() },
    inpainting: [
      await inpainting({ batches, targets: "raw" }),
      await inpainting({ batches, targets: "raw", mask: "time" }),
    ],
    localization: await localization({
      grid: { rows: 2, columns: 2 },
      picture: { width: 14, height: 14 },
      clips: [0, 1, 2].map((id) => ({
        id: String(id),
        steps: [
          {
            audio: Float32Array.of(1, 0),
            visual: matrix(4, 2, Float32Array.of(1, 0, 0.5, 1, 0, 1, -1, 1)),
            boxes: id === 2 ? [] : [{ x: 0, y: 0, width: 7, height: 9 }],
          },
        ],
      })),
    }),
    clips: [
      {
        id: "clip-1",
        label: 'drum "low"',
        original: pair,
        views: [pair, pair],
        reconstructions: [pair, pair],
        heat: picture(14, 14),
        ciou: 0.61,
        reel: [0, 0.25, 0.5].map((from) => ({ heat: picture(14, 14), heard: [from, from + 0.5] })),
      },
    ],
    retrievalExamples: [
      {
        direction: "audioToVisual",
        query: { label: "drum", image: "data:image/png;base64,iVBORw0KGgo=" },
        place: 2,
        found: [
          { label: "bell", image: picture(7, 7), cosine: 0.91, right: false },
          { label: "drum", image: picture(7, 7), cosine: 0.88, right: true },
        ],
      },
    ],
    inpaintingStrips: [{ label: "flute", original: pair, masks: [{ caption: "50 %", masked: pair, restored: pair }] }],
  };
}

let input: ReportInput;
beforeAll(async () => {
  input = await sample();
});

describe("reportJson", () => {
  it("has at least the promised keys, and no NaN", () => {
    const text = reportJson(input);
    const record = JSON.parse(text);
    expect(record.dataset).toMatchObject({ train: 61, test: 31, kinds: 3, leftOut: { "no-audio": 2 } });
    for (const direction of ["audioToVisual", "visualToAudio"]) {
      for (const figure of ["r1", "r5", "r10", "medianRank"])
        expect(record.retrieval[direction][figure]).toBeTypeOf("number");
      expect(record.retrieval[direction].ranks).toBeUndefined();
    }
    expect(record.retrieval.gallery).toBe(23);
    for (const mode of ["audio", "visual", "joint"]) expect(record.classification[mode].accuracy).toBeGreaterThan(0.5);
    expect(record.classification.majority).toBeCloseTo(11 / 31, 12);
    for (const modality of ["audio", "visual"]) {
      expect(record.inpainting[modality].mse).toBeLessThan(record.inpainting[modality].meanFill);
    }
    for (const one of [record.localization, record.localization.centreBox]) {
      expect(one.ciou50).toBeTypeOf("number");
      expect(one.auc).toBeTypeOf("number");
    }
    expect(record.seconds).toEqual({ media: 3.2, pretrain: 131, evaluate: 4, total: 138.2 });
    expect(record.engine).toBe("compiled, onnxruntime cpu");
    expect(record.protocols[record.retrieval.protocol].metrics.r1).toContain("strictly greater");
    expect(text).not.toMatch(/NaN|Infinity/);
  });
});

describe("reportMarkdown", () => {
  it("shows figures, baselines, warnings and protocols, with table cells escaped", () => {
    const text = reportMarkdown(input);
    expect(text).toContain("# A demo of \\<kinds\\> & sounds");
    expect(text).toContain("| Classification, joint | accuracy |");
    expect(text).toContain("chance, 1 of 23: 4.3 %");
    expect(text).toContain("protocol: localization-ez-vsl");
    expect(text).toContain("2 × no-audio");
    expect(text).toContain("| time, audio | 75.0 % |");
    // Every row of figures says over how many, every figure its interval where it has one.
    expect(text).toMatch(/\| Retrieval, sound → picture \| R@1 \| [^|]+ \| [^|]* \| 23 queries \| chance, 1 of 23/);
    expect(text).toMatch(/\| Classification, joint \| accuracy \| [^|]+ \| [^|]* \| 31 clips \|/);
    expect(text).toMatch(/\| Localization \| cIoU@0\.5 \| [^|]+ \| [^|]* \| 2 clips \|/);
    const { value, interval } = classificationFigures(input.classification!.joint).find(
      ({ key }) => key === "calibration",
    )!;
    const [error, ends] = [numberText(value, "share"), intervalText(interval, "share")];
    expect(ends).not.toBe("");
    expect(text).toContain(`| ${error} (${ends}) |`);
    expect(text).not.toMatch(/NaN|undefined/);
  });

  it("calls better, or not, what lies beside its baseline with its whole interval", () => {
    const [row] = headline(input);
    const stands = (baseline: number, ends?: readonly [number, number], better: "higher" | "lower" = "higher") =>
      verdictOf({
        ...{ ...row, value: 0.5, better, baseline: { name: "chance", value: baseline } },
        interval: ends && { low: ends[0], high: ends[1], level: 0.95, resamples: 9 },
      });
    expect([stands(0.3, [0.4, 0.6]), stands(0.7, [0.4, 0.6])]).toEqual(["better", "not better"]);
    expect([stands(0.3, [0.4, 0.6], "lower"), stands(0.7, [0.4, 0.6], "lower")]).toEqual(["not better", "better"]);
    expect([stands(0.45, [0.4, 0.6]), stands(0.3)]).toEqual(["within the interval", "no interval"]);
  });

  it("is nothing but text where names are markup, and no name ends a block", () => {
    const hostile = "<img src=x onerror=alert(1)> [a](javascript:b)\n```\n# c \u001b[2J";
    const protocol = { ...input.retrieval!.protocol, notes: [hostile] };
    const text = reportMarkdown({ ...input, summary: hostile, retrieval: { ...input.retrieval!, protocol } });
    const [before, block] = text.split("````text\n");
    expect(before).not.toMatch(/(^|[^\\])<img|[^\\]\[a|^# c/m);
    expect(block).toContain("# c \\u001b[2J\n````");
  });

  it("is a report even of nothing", () => {
    const { title, engine, dataset, seconds } = input;
    expect(reportMarkdown({ title, engine, dataset, seconds })).toContain("Nothing was evaluated.");
  });
});

describe("reportHtml", () => {
  it("opens by itself: everything it shows is inside", () => {
    const html = reportHtml(input);
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(10);
    for (const address of addresses) expect(address).toMatch(/^(data:image\/png;base64,|#)/);
    expect(html).not.toMatch(/url\(|@import|<script|https?:/);
  });

  it("escapes every text that came in", () => {
    const html = reportHtml(input);
    expect(html).toContain("A demo of &lt;kinds&gt; &amp; sounds");
    expect(html).toContain("bell &amp; &lt;whistle&gt;");
    expect(html).toContain("drum &quot;low&quot;");
    expect(html).toContain("--seed &#39;7&#39;");
    expect(html).not.toMatch(/<kinds>|<whistle>|NaN|undefined/);
    expect(html).toMatch(/· 31 clips · always “bell/);
  });

  it("has every section, every tag closed", () => {
    const html = reportHtml(input);
    for (const id of [
      "training",
      "retrieval",
      "classification",
      "inpainting",
      "localization",
      "clips",
      "data",
      "protocols",
    ]) {
      expect(html).toContain(`<h2 id="${id}"`);
      expect(html).toContain(`href="#${id}"`);
    }
    for (const tag of ["div", "table", "figure", "svg", "article", "details", "section", "ul", "g"]) {
      const count = (pattern: RegExp) => [...html.matchAll(pattern)].length;
      expect([tag, count(new RegExp(`<${tag}[ >]`, "g"))]).toEqual([tag, count(new RegExp(`</${tag}>`, "g"))]);
    }
  });

  it("moves a light stretch over the spectrogram in step with the heat", () => {
    const html = reportHtml(input);
    const moving = [
      ...html.matchAll(
        /<img style="animation:reel ([^"]+)" class="" src="data:image\/png;base64,([^"]+)" alt="([^"]+)"/g,
      ),
    ];
    expect(moving.map(([, , , alt]) => alt)).toEqual([
      "where the sound around each of 3 frames is seen",
      "the sound around each frame",
    ]);
    const [heat, heard] = moving;
    expect(heat[1]).toBe("1.5s steps(3) infinite;width:300%");
    expect(heard[1]).toBe(heat[1]);
    const { data: line, height } = decode(Buffer.from(heard[2], "base64"));
    expect([line.length, height]).toEqual([3 * 3 * 64, 1]);
    const light = [0, 1, 2].map((step) =>
      Array.from({ length: 64 }, (_, x) => x).filter((x) => line[3 * (64 * step + x)] === 255),
    );
    expect(light.map((places) => [places[0], places.at(-1), places.length])).toEqual([
      [0, 31, 32],
      [16, 47, 32],
      [32, 63, 32],
    ]);
    expect(html).toContain("all other sound hidden");
    const still = { ...input, clips: input.clips!.map(({ reel: _, ...clip }) => clip) };
    expect(reportHtml(still)).not.toContain("all other sound hidden");
  });

  it("holds pictures that can be taken out again", () => {
    const html = reportHtml(input);
    const [, encoded] = /alt="similarity over the frame"/.exec(html)
      ? /src="data:image\/png;base64,([^"]+)" alt="similarity over the frame"/.exec(html)!
      : [];
    const { data } = decode(Buffer.from(encoded!, "base64"));
    expect([...data]).toEqual([...(input.clips![0].heat as Picture).data]);
  });

  it("refuses pictures that live elsewhere", () => {
    const query = { label: "drum", image: "https://example.org/a.png" };
    const one = { direction: "visualToAudio" as const, query, place: 1, found: [] };
    expect(() => reportHtml({ ...input, retrievalExamples: [one] })).toThrow(
      'reportHtml: the image "https://example.org/a.png" is not a data:image address. Pass a picture',
    );
  });
});
