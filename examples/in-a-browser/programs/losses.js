import { createRng } from "@kdc-mae/core";
import { selectBackend } from "@kdc-mae/engine";
import { kdcMae, objective } from "@kdc-mae/losses";
import { exampleEvidence } from "@kdc-mae/losses/testing";

export const program = async () => {
  await selectBackend("cpu"); // brings a backend and gradients
  const { total, terms } = objective(kdcMae).compute(exampleEvidence(createRng(1)));
  return { total: total.dataSync()[0], terms: Object.keys(terms) };
};
