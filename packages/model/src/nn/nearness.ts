import { countPatches, type FloatTensor, float32, type PatchGrid } from "@kdc-mae/core";
import { add, concat, mul, reshape, slice, type Tensor3D, tensor, tile, zeros } from "@tensorflow/tfjs-core";

/**
 * Further columns for queries and keys, `[B·H, N, 3]`, that lower the score of two tokens by
 * penalty · (their distance in patches)².
 */
export type Nearness = { readonly asking: Tensor3D; readonly answering: Tensor3D };

/** x, y and x² + y² of every patch, counted from the middle of the grid: `[1, N, 3]`. */
export function gridPlaces({ rows, columns, ...rest }: PatchGrid): FloatTensor {
  const table = float32([1, countPatches({ rows, columns, ...rest }), 3]);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = [column - (columns - 1) / 2, row - (rows - 1) / 2];
      table.data.set([x, y, x * x + y * y], 3 * (row * columns + column));
    }
  }
  return table;
}

/**
 * Attention that favours what is near: a penalty per head on the distance of two tokens, as the 2-D ALiBi of CROMA
 * (Fuller et al. 2023) has it, here on the squared distance. −m·|p − r|² is, but for a part that is the same for all
 * keys and that softmax takes off, m·(2 p·r − |r|²), which is a product of three columns with three: no score matrix has
 * to be touched.
 *
 * @param places x, y and x² + y² of every token, `[B, N, 3]`
 * @param penalties one per head, H; 0 looks everywhere alike
 */
export function nearness(places: Tensor3D, penalties: readonly number[]): Nearness {
  const [B, N] = places.shape;
  const H = penalties.length;
  const perHead = reshape(tile(reshape(places, [B, 1, N, 3]), [1, H, 1, 1]), [B, H, N, 3]);
  const weights = tensor(
    penalties.flatMap((m) => [2 * m, 2 * m, 0]),
    [1, H, 1, 3],
  );
  const squares = tensor(
    penalties.flatMap((m) => [0, 0, -m]),
    [1, H, 1, 3],
  );
  const asking = add(mul(perHead, weights), squares);
  return { asking: reshape(asking, [B * H, N, 3]), answering: reshape(perHead, [B * H, N, 3]) };
}

/** The same for some of the heads. @param heads how many there are */
export function ofHeads({ asking, answering }: Nearness, heads: number, kept: readonly number[]): Nearness {
  if (kept.length === heads) return { asking, answering };
  const [BH, N, columns] = asking.shape;
  const B = BH / heads;
  const pick = (rows: Tensor3D): Tensor3D => {
    const apart = reshape(rows, [B, heads, N, columns]);
    const some = concat(
      kept.map((head) => slice(apart, [0, head, 0, 0], [B, 1, N, columns])),
      1,
    );
    return reshape(some, [B * kept.length, N, columns]);
  };
  return { asking: pick(asking), answering: pick(answering) };
}

/** The same with tokens before and after that are no patches: near to all, and all near to them. */
export function withPlaceless({ asking, answering }: Nearness, before: number, after: number): Nearness {
  if (before + after === 0) return { asking, answering };
  const [BH, , columns] = asking.shape;
  const none = (count: number) => (count === 0 ? [] : [zeros([BH, count, columns]) as Tensor3D]);
  const around = (rows: Tensor3D): Tensor3D => concat([...none(before), rows, ...none(after)], 1);
  return { asking: around(asking), answering: around(answering) };
}
