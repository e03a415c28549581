/**
 * Registers tfjs's gradients and its cpu backend: in plain Node, tfjs-core alone has neither. Nothing else imports
 * tfjs. What both get wrong is mended here, or refused. package.json names this file under `sideEffects`, or bundlers
 * would drop it and every gradient with it.
 */
import "@tensorflow/tfjs";
import { mendPictureGradients } from "./picture-gradients.js";
import { refuseWrong } from "./refused.js";
import { mendScanGradient, mendScans } from "./scans.js";
import { mendTape } from "./tape.js";

mendScanGradient();
mendScans("cpu");
mendPictureGradients("cpu");
refuseWrong("cpu");
mendTape();
