export { describeClip } from "./describe-clip.js";
export { kinds } from "./kinds/index.js";
export {
  type Act,
  defaultOptions,
  type PlannedObject,
  type SyntheticClipPlan,
  type SyntheticOptions,
} from "./plan.js";
export { type BoxTrack, type RenderedFrames, renderFrames } from "./render-frames.js";
export { renderSound } from "./render-sound.js";
