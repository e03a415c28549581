/** A limit is counted in so many parts. */
const parts = 10;

/**
 * Calls `over` when so much time has passed while this process was there to look. One that was stopped itself (Ctrl-Z, a
 * queue that suspends its jobs), or computed for long, finds at most a tenth gone, and hears first what came meanwhile.
 *
 * @returns ends the counting
 */
export function timeLimit(milliseconds: number, over: () => void): () => void {
  let left = parts;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    over();
  }, milliseconds / parts);
  return () => clearInterval(timer);
}
