import { audioGrid, countPatches, createRng, float32, treeLeaves } from "@kdc-mae/core";

export const program = () => ({
  deck: [...createRng(7).permutation(countPatches(audioGrid(64, 32, 16)))],
  paths: treeLeaves({ a: float32([2]), b: [float32([3])] }).map(([path]) => path),
});
