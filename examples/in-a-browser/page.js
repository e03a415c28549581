import * as programs from "./programs/index.js";

/** Every program's outcome by name, for whoever looks at the page. */
globalThis.outcomes = (async () => {
  const outcomes = {};
  for (const [name, program] of Object.entries(programs)) {
    try {
      outcomes[name] = await program();
    } catch (error) {
      outcomes[name] = { error: String(error?.stack ?? error) };
    }
  }
  return outcomes;
})();
