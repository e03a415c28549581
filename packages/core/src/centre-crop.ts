/**
 * Where a centre crop of `size` begins in `length` pixels: half of what is too much, of two whole pixels equally near the even
 * one, as torchvision's `CenterCrop` has it (Python's `round`). A picture of 426 × 240 whose shorter side became 224 is 397
 * wide: 86 pixels go on the left and 87 on the right.
 */
export function centreCrop(length: number, size: number): number {
  const below = Math.floor((length - size) / 2);
  return (length - size) % 2 === 0 ? below : below + (below & 1);
}
