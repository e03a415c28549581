/** One step through memory: `size` places, `stride` elements apart. */
export type Factor = { readonly size: number; readonly stride: number };

/**
 * How a tensor lies in the memory of another: each of its axes is a product of factors, the outermost first. Reshaping,
 * moving axes, slicing and broadcasting change the layout and no memory, wherever a layout can say it.
 */
export type Layout = { readonly axes: readonly (readonly Factor[])[]; readonly offset: number };

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
const sizeOfAxis = (factors: readonly Factor[]): number => product(factors.map(({ size }) => size));

export const shapeOf = ({ axes }: Layout): number[] => axes.map(sizeOfAxis);
export const countOf = (layout: Layout): number => product(shapeOf(layout));

/** Row after row without gaps. */
export function rowMajor(shape: readonly number[]): Layout {
  let stride = 1;
  const axes = shape.toReversed().map((size): Factor[] => {
    const factor = { size, stride };
    stride *= size;
    return [factor];
  });
  return { axes: axes.reverse(), offset: 0 };
}

/** Neighbours that are one longer step become one. */
export function coalesce(factors: readonly Factor[]): Factor[] {
  const merged: Factor[] = [];
  for (const factor of factors) {
    if (factor.size === 1) continue;
    const last = merged.at(-1);
    if (last !== undefined && last.stride === factor.size * factor.stride) {
      merged[merged.length - 1] = { size: last.size * factor.size, stride: factor.stride };
    } else merged.push(factor);
  }
  return merged;
}

/** True where the tensor is the memory itself, element for element. */
export function isLinear(layout: Layout): boolean {
  const factors = coalesce(layout.axes.flat());
  return layout.offset === 0 && (factors.length === 0 || (factors.length === 1 && factors[0].stride === 1));
}

/** The layout in another shape of the same size, or undefined where that takes a copy. */
export function reshapeLayout(layout: Layout, shape: readonly number[]): Layout | undefined {
  if (shape.includes(0)) return rowMajor(shape);
  const left = coalesce(layout.axes.flat());
  const axes: Factor[][] = [];
  for (const size of shape) {
    const factors: Factor[] = [];
    let missing = size;
    while (missing > 1) {
      const next = left.shift();
      if (next === undefined) return undefined;
      if (missing % next.size === 0) {
        factors.push(next);
        missing /= next.size;
      } else if (next.size % missing === 0) {
        const inner = next.size / missing;
        factors.push({ size: missing, stride: next.stride * inner });
        left.unshift({ size: inner, stride: next.stride });
        missing = 1;
      } else return undefined;
    }
    axes.push(factors.length === 0 ? [{ size: 1, stride: 0 }] : factors);
  }
  return { axes, offset: layout.offset };
}

export const permuteLayout = ({ axes, offset }: Layout, perm: readonly number[]): Layout => ({
  axes: perm.map((from) => axes[from]),
  offset,
});

/** NumPy's broadcasting: new axes in front, axes of one repeated. */
export function broadcastLayout({ axes, offset }: Layout, shape: readonly number[]): Layout {
  const missing = shape.length - axes.length;
  return {
    offset,
    axes: shape.map((size, axis) => {
      const own = axes[axis - missing];
      return own !== undefined && sizeOfAxis(own) === size ? own : [{ size, stride: 0 }];
    }),
  };
}

/** Every `step`th place of one axis, `size` of them from `begin` on (`step` may be negative); undefined: needs a copy. */
export function sliceLayout(
  { axes, offset }: Layout,
  axis: number,
  { begin, step, size }: { readonly begin: number; readonly step: number; readonly size: number },
): Layout | undefined {
  const factors = coalesce(axes[axis]);
  const put = (changed: readonly Factor[], moved: number): Layout => ({
    axes: axes.map((own, at) => (at === axis ? changed : own)),
    offset: offset + moved,
  });
  if (size === 0) return put([{ size: 0, stride: 1 }], 0);
  if (size === 1) {
    let [rest, moved] = [begin, 0];
    for (const factor of factors.toReversed()) {
      moved += (rest % factor.size) * factor.stride;
      rest = Math.floor(rest / factor.size);
    }
    return put([{ size: 1, stride: 0 }], moved);
  }
  if (factors.length === 1) return put([{ size, stride: factors[0].stride * step }], begin * factors[0].stride);
  const [outer, ...inner] = factors;
  const inside = sizeOfAxis(inner);
  if (step !== 1 || begin % inside !== 0 || size % inside !== 0) return undefined;
  return put([{ size: size / inside, stride: outer.stride }, ...inner], (begin / inside) * outer.stride);
}

/** Some axes of a layout, without its offset. */
export const axesOf = ({ axes }: Layout, which: readonly number[]): Layout => ({
  axes: which.map((axis) => axes[axis]),
  offset: 0,
});
