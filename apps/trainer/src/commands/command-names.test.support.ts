import { vi } from "vitest";
import { runCommandLine } from "../command-line.js";

/** Every command, as the help lists them. */
export async function commandNames(): Promise<string[]> {
  let out = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  await runCommandLine(["--help"]);
  spy.mockRestore();
  return [...out.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name).filter((name) => name !== "help");
}
