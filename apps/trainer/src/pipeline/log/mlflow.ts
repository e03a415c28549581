import { KdcError } from "@kdc-mae/core";
import { plainValues } from "../experiment/plain-values.js";
import type { RunLogger } from "./run-logger.js";
import { scalarsOf } from "./tensorboard.js";

/** Which MLflow server is told, and how it is reached. */
export type MlflowOptions = {
  /** The tracking server, such as http://127.0.0.1:5000. */
  readonly uri: string;
  /** The experiment's name there; `kdc-mae` unless given. */
  readonly experiment?: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
};

/** Of its REST API: numbers and parameters in one call, and the longest parameter. */
const AT_ONCE = { metrics: 1000, params: 100 } as const;
const LONGEST = 6000;
const PATIENCE_MS = 10_000;

/** MLflow takes letters, digits, `_ - . / : ` and spaces in names. */
const named = (name: string): string => name.replaceAll(/[^\w\-./: ]/g, "_");

/**
 * Tells an MLflow tracking server of a run, by its REST API 2.0: the experiment as parameters, every number as a metric.
 * Pictures stay in the run's folder: uploading them depends on where the server keeps artifacts.
 *
 * @throws KdcError from `begin` and `log` for a server that does not answer, or refuses
 */
export function mlflowLogger({ uri, experiment = "kdc-mae", token, ...options }: MlflowOptions): RunLogger {
  const ask = options.fetch ?? fetch;
  const root = uri.replace(/\/+$/, "");
  const call = async (method: "GET" | "POST", path: string, body: object): Promise<Record<string, unknown>> => {
    const query = method === "GET" ? `?${new URLSearchParams(body as Record<string, string>)}` : "";
    const where = `${root}/api/2.0/mlflow/${path}`;
    const fail = (what: string, cause?: unknown): never => {
      const remedy = "Check the server and its address; the run's own log is complete";
      throw new KdcError({ where: `MLflow at ${where}`, what, remedy, reason: "mlflow", cause });
    };
    try {
      const answer = await ask(`${where}${query}`, {
        method,
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(method === "POST" ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const text = await answer.text();
      if (answer.status === 404 && method === "GET") return {};
      if (!answer.ok) return fail(`it answered ${answer.status}: ${text.slice(0, 200)}`);
      return JSON.parse(text === "" ? "{}" : text);
    } catch (error) {
      return error instanceof KdcError ? fail(error.what) : fail(`no answer: ${String(error)}`, error);
    }
  };
  let run = "";
  let metrics: object[] = [];
  const send = async () => {
    while (metrics.length > 0) {
      await call("POST", "runs/log-batch", { run_id: run, metrics: metrics.slice(0, AT_ONCE.metrics) });
      metrics = metrics.slice(AT_ONCE.metrics);
    }
  };
  return {
    name: `MLflow (${uri})`,
    async begin(about) {
      const found = await call("GET", "experiments/get-by-name", { experiment_name: experiment });
      const id =
        (found.experiment as { experiment_id?: string } | undefined)?.experiment_id ??
        (await call("POST", "experiments/create", { name: experiment })).experiment_id;
      const tags = [
        { key: "mlflow.source.name", value: "kdc-mae" },
        { key: "folder", value: about.folder },
        { key: "machine", value: about.machine },
        ...(about.on === undefined ? [] : [{ key: "computes on", value: about.on }]),
        { key: "began at step", value: String(about.step) },
      ];
      const start = { experiment_id: id, run_name: about.name, start_time: Date.now(), tags };
      const made = (await call("POST", "runs/create", start)).run as { info: { run_id: string } };
      run = made.info.run_id;
      const params = plainValues(about.experiment).map(([key, text]) => ({
        key: named(key),
        value: text.slice(0, LONGEST),
      }));
      for (let at = 0; at < params.length; at += AT_ONCE.params) {
        await call("POST", "runs/log-batch", { run_id: run, params: params.slice(at, at + AT_ONCE.params) });
      }
    },
    async log(record) {
      const { time: timestamp, step } = record;
      const numbers = Object.entries(scalarsOf(record)).filter(([, value]) => Number.isFinite(value));
      metrics.push(...numbers.map(([key, value]) => ({ key: named(key), value, timestamp, step })));
      // Steps go with whatever follows, so that a fast run does not wait for the server at every record.
      if (record.kind !== "steps" || metrics.length >= AT_ONCE.metrics / 10) await send();
      if (record.kind === "end") {
        const status = { finished: "FINISHED", stopped: "KILLED", collapsed: "FAILED", failed: "FAILED" }[record.state];
        await call("POST", "runs/update", { run_id: run, status, end_time: timestamp });
      }
    },
    close: send,
  };
}
