/**
 * Registers tfjs's gradients and its cpu backend: in plain Node, tfjs-core alone has neither. Nothing else imports
 * tfjs. package.json names this file under `sideEffects`, or bundlers would drop it and every gradient with it.
 */
import "@tensorflow/tfjs";
