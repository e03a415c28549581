// The page of `kdc-mae watch`: draws what is in #runs, and what the server sends after it. Everything from a run is set
// as text, never as markup.
/* global uPlot */
const { runs, live, seen } = JSON.parse(document.getElementById("runs").textContent);
const colours = ["#0f7466", "#b4791f", "#6a5aa8", "#a8412f", "#3d77b6", "#7a8b2f", "#b0508c", "#5d6863"];
const colourOf = (index) => colours[index % colours.length];

const make = (tag, text = "", own = "") => {
  const element = document.createElement(tag);
  element.textContent = text;
  if (own !== "") element.className = own;
  return element;
};
const part = (name) => document.getElementById(name);
const last = (run, kind) => run.records.findLast((record) => record.kind === kind);

/** A record of a run: one that says the run is at an earlier step again undoes what was told of later ones. */
function take(run, record) {
  if (record.kind === "begin" || record.kind === "back") {
    while (run.records.length > 0 && run.records.at(-1).step > record.step) run.records.pop();
  }
  run.records.push(record);
}

const duration = (seconds) => {
  if (!(seconds >= 0)) return "–";
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(0)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} days`;
};

function drawRun(run, index) {
  const card = make("section", "", "run");
  card.style.setProperty("--own", colourOf(index));
  const [begin, now, end] = [last(run, "begin"), last(run, "steps"), last(run, "end")];
  const isOver = end !== undefined && run.records.lastIndexOf(end) > run.records.lastIndexOf(begin);
  const step = run.records.at(-1)?.step ?? 0;
  const steps = begin?.steps ?? step;
  card.append(make("h3", run.name), make("div", run.folder, "quiet"));
  const bar = make("progress");
  bar.max = Math.max(steps, 1);
  bar.value = step;
  card.append(bar);
  const facts = [
    ["state", isOver ? end.state : now === undefined ? "begins" : "trains"],
    ["step", `${step} of ${steps}${now === undefined ? "" : `, epoch ${now.epoch + 1}`}`],
  ];
  if (now !== undefined) {
    facts.push(["time left", isOver ? "–" : duration(now.secondsLeft)]);
    facts.push(["rate", `${now.clipsPerSecond.toPrecision(3)} clips/s`]);
    facts.push(["waiting for data", `${(100 * now.waiting).toFixed(1)} % of the time`]);
    facts.push(["memory", `${(now.memory / 2 ** 30).toFixed(2)} GiB`]);
    facts.push(["last told", new Date(run.records.at(-1).time).toLocaleString()]);
  }
  const probe = last(run, "probe")?.probe;
  if (probe !== undefined) {
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const { audioToVisual, visualToAudio, chance } = probe.retrieval;
    const both = `${percent(audioToVisual)} sound to picture, ${percent(visualToAudio)} picture to sound`;
    facts.push(["held-out R@1", `${both}; chance ${percent(chance)}, 1 of ${probe.clips} clips`]);
    if (probe.accuracy !== undefined) {
      const { knn, linear, chance: commonest, fitted, scored } = probe.accuracy;
      const told = `kNN ${percent(knn)}, linear ${percent(linear)}; commonest class ${percent(commonest)}`;
      facts.push(["held-out accuracy", `${told}, ${scored} clips scored, ${fitted} fitted`]);
    }
  }
  if (begin !== undefined) {
    facts.push(["computes on", begin.on ?? "–"]);
    facts.push(["machine", begin.machine]);
  }
  const list = make("dl");
  for (const [name, value] of facts) list.append(make("dt", name), make("dd", value));
  card.append(list);
  return card;
}

/** Curves by name: points of a record. */
function pointsOf(record) {
  const group = (name, values) => Object.entries(values).map(([key, value]) => [`${name}: ${key}`, value]);
  if (record.kind === "steps") {
    const { losses, clipsPerSecond, waiting, memory, gradientNorm, learningRate } = record;
    return [
      ...group("loss", losses),
      ["clips per second", clipsPerSecond],
      ["waiting for data, share of the time", waiting],
      ["memory, GiB", memory / 2 ** 30],
      ["gradient norm", gradientNorm],
      ["learning rate", learningRate],
    ];
  }
  if (record.kind === "epoch") {
    return [...group("epoch's mean loss", record.entry.losses), ...group("evaluation", record.entry.evaluation ?? {})];
  }
  if (record.kind !== "probe") return [];
  const { rank, uniformity, deviation, alignment, retrieval, accuracy } = record.probe;
  const mean = record.attentionEntropy.reduce((sum, value) => sum + value, 0) / record.attentionEntropy.length;
  return [
    ...group("held-out RankMe", rank),
    ...group("held-out uniformity", uniformity),
    ["held-out alignment", alignment],
    ...group("held-out deviation of channels", deviation),
    ["held-out R@1, sound to picture", retrieval.audioToVisual],
    ["held-out R@1, picture to sound", retrieval.visualToAudio],
    ...(accuracy
      ? [
          ["held-out kNN accuracy", accuracy.knn],
          ["held-out linear accuracy", accuracy.linear],
        ]
      : []),
    ["attention entropy of the joint blocks", mean],
  ];
}

const charts = new Map();
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** All curves of all runs: `name → one [steps, values] for each run`. */
function curves() {
  const found = new Map();
  for (const [index, run] of runs.entries()) {
    for (const record of run.records) {
      for (const [name, value] of pointsOf(record)) {
        if (typeof value !== "number") continue;
        if (!found.has(name))
          found.set(
            name,
            runs.map(() => [[], []]),
          );
        const [steps, values] = found.get(name)[index];
        if (steps.at(-1) === record.step) values[values.length - 1] = value;
        else {
          steps.push(record.step);
          values.push(value);
        }
      }
    }
  }
  return found;
}

const widthOf = (box) => Math.max(200, box.clientWidth - 2 * 13);

function drawCharts() {
  const empty = [[], []];
  for (const [name, all] of curves()) {
    const data = uPlot.join(all.map((one) => one ?? empty));
    const known = charts.get(name);
    if (known !== undefined) {
      known.plot.setData(data);
      continue;
    }
    const box = make("section", "", "chart");
    box.append(make("h3", name));
    part("charts").append(box);
    const axis = { stroke: ink("--soft"), grid: { stroke: ink("--rule") }, ticks: { stroke: ink("--rule") } };
    const options = {
      width: widthOf(box),
      height: 180,
      legend: { show: runs.length <= 8 },
      scales: { x: { time: false } },
      axes: [axis, { ...axis, size: 60 }],
      series: [
        { label: "step" },
        ...runs.map((run, index) => ({
          label: run.name,
          stroke: colourOf(index),
          width: 1.5,
          spanGaps: true,
          value: (_, value) => (value == null ? "–" : Number(value).toPrecision(4)),
        })),
      ],
    };
    charts.set(name, { box, plot: new uPlot(options, data, box) });
  }
}

function drawWarnings() {
  const list = runs.flatMap((run) =>
    run.records.flatMap((record) => (["warning", "note"].includes(record.kind) ? [{ run, record }] : [])),
  );
  const signs = new Map();
  for (const { run, record } of list) signs.set(`${run.name}\n${record.sign ?? record.text}`, { run, record });
  const rows = [...signs.values()]
    .slice(-30)
    .reverse()
    .map(({ run, record }) => {
      const row = make("div", "", record.kind === "warning" ? "warning" : "quiet");
      const begin = runs.length > 1 ? `${run.name}, step ${record.step}: ` : `step ${record.step}: `;
      if (record.kind === "note") row.append(make("span", begin + record.text));
      else row.append(make("b", begin + record.what), make("div", record.remedy, "quiet"));
      return row;
    });
  part("warnings").replaceChildren(...(rows.length > 0 ? rows : [make("p", "None.", "quiet")]));
}

let pictured = "";
function drawPictures() {
  const shown = runs.flatMap((run, index) => {
    const record = last(run, "pictures");
    return record === undefined ? [] : record.pictures.map((picture) => ({ run, index, record, picture }));
  });
  const key = shown.map(({ index, picture }) => `${index} ${picture.file}`).join();
  if (key === pictured) return;
  pictured = key;
  const figures = shown.map(({ run, index, record, picture }) => {
    const figure = make("figure");
    const image = make("img");
    image.src = picture.data ?? `file/${index}/${picture.file}`;
    image.alt = picture.name;
    image.width = picture.width;
    image.height = picture.height;
    image.style.height = "auto";
    const caption = `${runs.length > 1 ? `${run.name}, ` : ""}step ${record.step}: ${picture.name}`;
    figure.append(image, make("figcaption", caption));
    return figure;
  });
  part("pictures").replaceChildren(...(figures.length > 0 ? figures : [make("p", "None yet.", "quiet")]));
}

/** What a run was told to do, and where it does it: that comes with its records. */
function aboutRun(run) {
  const { on, machine } = last(run, "begin") ?? {};
  return { ...run.experiment, ...(on && { "computes on": on }), ...(machine && { machine }) };
}

let told = "";
/** What the runs are: first what differs between them. */
function drawExperiments() {
  const about = runs.map(aboutRun);
  if (JSON.stringify(about) === told) return;
  told = JSON.stringify(about);
  const keys = [...new Set(about.flatMap((values) => Object.keys(values)))];
  const differs = (key) => about.some((values) => values[key] !== about[0][key]);
  const table = (chosen, own) => {
    const box = make("div", "", "scroll");
    const body = make("table");
    const head = make("tr");
    head.append(make("th", "key"), ...runs.map((run) => make("th", run.name)));
    body.append(head);
    for (const key of chosen) {
      const row = make("tr", "", own);
      row.append(make("td", key), ...about.map((values) => make("td", values[key] ?? "–")));
      body.append(row);
    }
    box.append(body);
    return box;
  };
  const different = keys.filter(differs);
  const alike = make("details");
  alike.open = different.length === 0;
  alike.append(make("summary", different.length > 0 ? "alike in all" : "all of it"));
  alike.append(
    table(
      keys.filter((key) => !differs(key)),
      "",
    ),
  );
  const differing = different.length === 0 ? [] : [make("h3", "what differs"), table(different, "differs")];
  part("experiments").replaceChildren(...differing, alike);
}

let isDue = false;
function draw() {
  isDue = false;
  part("cards").replaceChildren(...runs.map(drawRun));
  drawCharts();
  drawWarnings();
  drawPictures();
  drawExperiments();
}
/** Soon, and once for whatever came together. */
function drawSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(draw, 200);
}

addEventListener("resize", () => {
  for (const { box, plot } of charts.values()) plot.setSize({ width: widthOf(box), height: 180 });
});
draw();

if (live) {
  const source = new EventSource(`events?from=${seen}`);
  source.addEventListener("record", ({ data }) => {
    const { run, record } = JSON.parse(data);
    take(runs[run], record);
    drawSoon();
  });
  source.addEventListener("anew", () => location.reload());
  source.addEventListener("open", () => {
    part("connection").textContent = "live";
  });
  source.addEventListener("error", () => {
    part("connection").textContent = "the command that serves this page does not answer; tried again";
  });
}
