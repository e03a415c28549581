import { answerWith } from "../calls/answer.js";
import { modelWork } from "./model-work.js";
import { trainWork } from "./train-work.js";

const work = { ...modelWork, ...trainWork };
export type LabWork = typeof work;

answerWith(work);
