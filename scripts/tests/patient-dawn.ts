/**
 * While anything is awaited of a device, Dawn's binding for Node asks for it again and again without a pause, each time by
 * `setImmediate`: a whole core, which a software adapter on the same processor then lacks. Here it asks every millisecond.
 */
const { setImmediate: soon, setTimeout: later } = globalThis;
/** A function from native code. The language's own, such as a promise's `resolve`, and bound ones have no `prototype`. */
const isAddons = (given: unknown): boolean =>
  /\[native code\]/.test(Function.prototype.toString.call(given)) && Object.hasOwn(given as object, "prototype");
const patient = (callback: (...given: unknown[]) => void, ...given: unknown[]) =>
  isAddons(callback) ? later(callback, 1, ...given) : soon(callback, ...given);
// Files that share a process share this too.
if (!("isPatient" in soon))
  Object.assign(globalThis, { setImmediate: Object.assign(patient, soon, { isPatient: true }) });
