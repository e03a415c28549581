import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";

type Schema = {
  readonly type?: string;
  readonly required?: readonly string[];
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly "x-kubernetes-int-or-string"?: true;
};
type Facts = { readonly schema: Schema; readonly allowed: Readonly<Record<string, readonly string[]>> };

const read = (path: string) => readFileSync(new URL(`../../../../../${path}`, import.meta.url), "utf8");
const { schema, allowed }: Facts = JSON.parse(read("fixtures/kubeflow/mpijob.json"));

const typeOf = (value: unknown): string =>
  Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : value === null ? "null" : typeof value;

/** What an API server with strict field validation would refuse. */
function faults(value: unknown, wanted: Schema, path = ""): string[] {
  const { type, required = [], properties, additionalProperties, items, pattern } = wanted;
  if (wanted["x-kubernetes-int-or-string"]) {
    const isOne = typeOf(value) === "integer" || (typeof value === "string" && new RegExp(pattern ?? "").test(value));
    return isOne ? [] : [`${path}: no quantity`];
  }
  if (type !== undefined && typeOf(value) !== type) return [`${path}: ${typeOf(value)}, not ${type}`];
  if (Array.isArray(value)) return items ? value.flatMap((one, at) => faults(one, items, `${path}[${at}]`)) : [];
  if (typeOf(value) !== "object") return [];
  const fields = value as Readonly<Record<string, unknown>>;
  const missing = required.filter((name) => fields[name] === undefined).map((name) => `${path}: ${name} is missing`);
  const within = Object.entries(fields).flatMap(([name, field]) => {
    const known = properties?.[name] ?? additionalProperties;
    // Metadata is the API server's own, and a part of no schema.
    if (known === undefined && properties === undefined) return [];
    const at = path === "" ? name : `${path}.${name}`;
    return known === undefined ? [`${at}: unknown`] : faults(field, known, at);
  });
  return [...missing, ...within];
}

const job = () => parse(read("examples/cluster/mpijob.yaml"));

it("mpijob.yaml is what the operator's published schema asks for", () => {
  const value = job();
  expect([value.apiVersion, value.kind]).toEqual(["kubeflow.org/v2beta1", "MPIJob"]);
  expect(faults(value, schema)).toEqual([]);
  const { runPolicy, mpiReplicaSpecs, slotsPerWorker } = value.spec;
  expect(slotsPerWorker).toBe(1);
  expect(allowed["spec.runPolicy.cleanPodPolicy"]).toContain(runPolicy.cleanPodPolicy);
  for (const { restartPolicy = "Never" } of Object.values<{ restartPolicy?: string }>(mpiReplicaSpecs)) {
    expect(allowed["spec.mpiReplicaSpecs.*.restartPolicy"]).toContain(restartPolicy);
  }
});

it("a field that is misspelt, missing or of another type would be found", () => {
  const value = job();
  value.spec.slotPerWorker = 1;
  value.spec.runPolicy.backoffLimit = "20";
  const [container] = value.spec.mpiReplicaSpecs.Worker.template.spec.containers;
  container.resources.limits.memory = "64 GB";
  delete container.name;
  expect(faults(value, schema)).toEqual([
    "spec.runPolicy.backoffLimit: string, not integer",
    "spec.mpiReplicaSpecs.Worker.template.spec.containers[0]: name is missing",
    "spec.mpiReplicaSpecs.Worker.template.spec.containers[0].resources.limits.memory: no quantity",
    "spec.slotPerWorker: unknown",
  ]);
});
