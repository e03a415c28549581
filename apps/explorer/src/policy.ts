/**
 * What the page may load: itself, what a person gave it, and nothing else. `wasm-unsafe-eval` lets WebAssembly compile;
 * a `LossTerm` that somebody types is read in a worker, which has a policy of its own.
 */
export const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
