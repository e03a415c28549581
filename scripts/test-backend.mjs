/**
 * Runs tests that ask for tfjs's cpu backend on another one: KDC_TEST_BACKEND=tensorflow or wasm. For tensorflow,
 * KDC_TFJS_NODE names the folder of a tfjs-node whose native library is there.
 */
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(new URL("../packages/engine/package.json", import.meta.url));
const wanted = process.env.KDC_TEST_BACKEND;
const tf = require("@tensorflow/tfjs-core");
tf.env().set("PROD", true);
if (wanted === "tensorflow") require(resolve(process.env.KDC_TFJS_NODE ?? "KDC_TFJS_NODE is not set"));
else if (wanted === "wasm") require("@tensorflow/tfjs-backend-wasm");
const engine = tf.engine();
const setBackend = engine.setBackend.bind(engine);
engine.setBackend = (name) => setBackend(name === "cpu" ? wanted : name);
await engine.setBackend(wanted);
