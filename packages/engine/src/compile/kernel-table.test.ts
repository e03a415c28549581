import { readFile } from "node:fs/promises";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { knownKernels } from "./kernel-table.js";

/** tfjs-core exports each kernel's name as a constant of that name. */
const named = Object.entries(tf).flatMap(([name, value]) => (name === value ? [name] : []));
const page = await readFile(new URL("../../../../docs/engine.md", import.meta.url), "utf8");
const section = page.slice(page.indexOf("\n## Kernels\n"));

describe("what docs/engine.md says of the kernels", () => {
  const known = new Set(knownKernels());

  it("how many there are, and how many have an ONNX form", () => {
    const [major, minor] = tf.version_core.split(".");
    const own = [...known].filter((name) => !named.includes(name));
    expect(own.filter((name) => !name.startsWith("Kdc"))).toEqual([]);
    expect(section).toContain(
      `\n${known.size - own.length} of the ${named.length} kernels that tfjs-core ${major}.${minor} names have an ONNX form (\`knownKernels()\`), and ${own.length} of this project's own.\n`,
    );
  });

  it("which have none", () => {
    const listed = [...section.matchAll(/`([A-Z]\w+)`/g)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(named.filter((name) => !known.has(name)).toSorted());
  });
});
