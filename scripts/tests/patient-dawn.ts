/**
 * While anything is awaited of a device, Dawn's binding for Node asks for it again and again without a pause, each time by
 * `setImmediate`: a whole core, which a software adapter on the same processor then lacks. Here it asks every millisecond.
 */
const soon = globalThis.setImmediate as typeof setImmediate & { isPatient?: true };
const isNative = (given: unknown): boolean => /\[native code\]/.test(Function.prototype.toString.call(given));
const patient = (callback: (...given: unknown[]) => void, ...given: unknown[]) =>
  isNative(callback) ? setTimeout(callback, 1, ...given) : soon(callback, ...given);
// Files that share a process share this too.
if (!soon.isPatient) Object.assign(globalThis, { setImmediate: Object.assign(patient, soon, { isPatient: true }) });
