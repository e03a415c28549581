#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);
if (!existsSync(main)) {
  process.stderr.write("kdc-mae: the packages are not built yet. Run: npx --yes pnpm@12.21.0 run build\n");
  process.exit(1);
}
await import(main.href);
