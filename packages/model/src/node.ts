export { readCheckpoint, type SaveOptions, saveCheckpoint, writeTensors } from "./checkpoint/files.js";
