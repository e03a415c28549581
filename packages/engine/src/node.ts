export { type CompileOptions, compile, compiled, createProgram } from "./onnxruntime/compile.js";
export { createSession, type Device, listDevices, type SessionOptions } from "./onnxruntime/node-session.js";
export { type DeviceReport, surveyDevices } from "./onnxruntime/survey-devices.js";
