import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mlflowLogger } from "./mlflow.js";
import { joinLoggers, type RunRecord } from "./run-logger.js";

type Body = Readonly<Record<string, unknown>> & {
  readonly params?: readonly object[];
  readonly metrics?: readonly { readonly key: string }[];
};
type Call = {
  readonly path: string;
  readonly method: string;
  readonly body: Body;
  readonly auth?: string;
};
let calls: Call[] = [];
let fails = "";
let uri = "";
/** Answers as MLflow 2 and 3 document their REST API (mlflow.org/docs/latest/rest-api.html). */
const answers: Readonly<Record<string, (body: Call["body"]) => [number, object]>> = {
  "experiments/get-by-name": () => [404, { error_code: "RESOURCE_DOES_NOT_EXIST", message: "none" }],
  "experiments/create": () => [200, { experiment_id: "7" }],
  "runs/create": ({ experiment_id }) => [200, { run: { info: { run_id: "abc", experiment_id, status: "RUNNING" } } }],
  "runs/log-batch": ({ metrics = [], params = [] }) => [metrics.length <= 1000 && params.length <= 100 ? 200 : 400, {}],
  "runs/update": () => [200, { run_info: { run_id: "abc" } }],
};
const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "", "http://localhost");
  const path = url.pathname.replace("/api/2.0/mlflow/", "");
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const text = Buffer.concat(parts).toString();
  const body = text === "" ? Object.fromEntries(url.searchParams) : JSON.parse(text);
  calls.push({ path, method: request.method ?? "", body, auth: request.headers.authorization });
  const [status, answer] = path === fails ? [503, { message: "later" }] : (answers[path]?.(body) ?? [404, {}]);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => void server.close());
beforeEach(() => {
  calls = [];
  fails = "";
});

const about = {
  ...{ name: "run", folder: "runs/run", step: 0, steps: 20, machine: "m" },
  experiment: { name: "run", training: { batch: 48, many: Array.from({ length: 150 }, (_, i) => i) } },
};
const steps = (step: number): RunRecord => ({
  ...{ time: 5000 + step, step, kind: "steps", epoch: 0, losses: { total: step, "a(b)": 1 } },
  ...{ gradientNorms: [1], learningRate: 1, clipsPerSecond: 1, waiting: 0, memory: 1, secondsLeft: 1 },
});

describe("MLflow", () => {
  it("is told the experiment, every number at its step, and the end", async () => {
    const logger = mlflowLogger({ uri, token: "secret" });
    await logger.begin(about);
    await logger.log(steps(10));
    await logger.log(steps(20));
    await logger.log({ time: 9000, step: 20, kind: "end", state: "stopped" });
    await logger.close();
    expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      ...["GET experiments/get-by-name", "POST experiments/create", "POST runs/create"],
      ...["POST runs/log-batch", "POST runs/log-batch", "POST runs/log-batch", "POST runs/update"],
    ]);
    expect(calls.every(({ auth }) => auth === "Bearer secret")).toBe(true);
    expect(calls[2].body).toMatchObject({ experiment_id: "7", run_name: "run" });
    expect(calls[3].body.params).toContainEqual({ key: "training.batch", value: "48" });
    expect([calls[3], calls[4]].flatMap(({ body }) => body.params ?? [])).toHaveLength(152);
    const { metrics = [] } = calls[5].body;
    expect(metrics).toContainEqual({ key: "loss/total", value: 20, timestamp: 5020, step: 20 });
    expect(metrics.map(({ key }) => key)).toContain("loss/a_b_");
    expect(calls[6].body).toEqual({ run_id: "abc", status: "KILLED", end_time: 9000 });
  });

  it("that fails or is not there ends no run, and is named", async () => {
    const notes: string[] = [];
    fails = "runs/create";
    const all = joinLoggers([mlflowLogger({ uri }), mlflowLogger({ uri: "http://127.0.0.1:1" })], (note) =>
      notes.push(note),
    );
    await all.begin(about);
    await all.log(steps(10));
    expect(notes[0]).toMatch(
      /^MLflow \(http:\/\/127\.0\.0\.1:\d+\/\) gets no more of this run, which goes on: MLflow at .*runs\/create: it answered 503: .*later/,
    );
    expect(notes[1]).toContain("no answer: ");
  });
});
