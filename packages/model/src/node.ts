export { readCheckpoint, readOutline, type SaveOptions, saveCheckpoint, writeTensors } from "./checkpoint/files.js";
export { type Outline, safetensorsHeader } from "./checkpoint/safetensors.js";
