import * as tf from "@tensorflow/tfjs-core";

type TapeNode = {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
};
type Engine = {
  readonly state: { readonly activeTape?: TapeNode[] };
  readonly addTapeNode: (...what: unknown[]) => void;
};

/**
 * Second derivatives through what an operation saved of its own result, as `exp`, `sigmoid` and `softmax` do: tfjs writes the
 * copy that is saved on its tape before the operation it is a copy of, and going along the tape does not find that it depends on anything. Here
 * the operation goes before what reads its results.
 */
export function mendTape(): void {
  const engine = tf.engine() as unknown as Engine;
  const { addTapeNode } = Object.getPrototypeOf(engine) as Engine;
  Object.assign(engine, {
    addTapeNode: (...what: unknown[]): void => {
      addTapeNode.apply(engine, what);
      const tape = engine.state.activeTape;
      const node = tape?.at(-1);
      if (tape === undefined || node === undefined) return;
      const made = new Set(node.outputs.map(({ id }) => id));
      let at = tape.length - 1;
      while (at > 0 && Object.values(tape[at - 1].inputs).some(({ id }) => made.has(id))) at--;
      if (at < tape.length - 1) tape.splice(at, 0, ...tape.splice(-1));
    },
  });
}
