import { answerWith, inTurn } from "../calls/answer.js";
import { modelWork } from "./model-work.js";
import { trainWork } from "./train-work.js";

const work = { ...modelWork, ...trainWork };
export type LabWork = typeof work;

// A model is not exchanged while it is at work. Training is stopped while it goes on.
answerWith({ ...inTurn(modelWork), ...trainWork });
