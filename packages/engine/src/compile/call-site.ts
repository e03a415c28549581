/** Folders whose frames never are the caller's own line. */
const foreign = /node_modules|node:internal/;
/** The modules beside this one; tests have a dot before their ending and do not match. */
const ours = /\/engine\/(src|dist)\/(compile|run)\/[a-z0-9-]+\.(ts|js)(:|\?|$)/;

/**
 * The line of the traced function an error came from, as `file:line:column`: the first frame of a stack that
 * belongs neither to a library nor to the compiler.
 */
export function callSite(stack: string | undefined): string | undefined {
  const frames = (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const frame = frames.find((line) => !foreign.test(line) && !ours.test(line) && /:\d+:\d+\)?$/.test(line));
  return frame
    ?.trim()
    .replace(/^at (.*\()?/, "")
    .replace(/\)$/, "");
}

/** Runs `action` with stack traces deep enough to reach through tfjs to the line that called it. */
export function withDeepStacks<Result>(action: () => Result): Result {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 200;
  try {
    return action();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
