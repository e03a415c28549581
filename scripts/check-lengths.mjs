/** Keeps rooms small: no source file beyond the ceiling, and no name that says nothing about what is inside. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const ceiling = 350;
const vague = /(^|\/)(utils?|helpers?|common|misc|types)(\.[tj]s|\/)/;
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts", "*.mjs", "*.js"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && !file.startsWith("fixtures/"));

const problems = files.flatMap((file) => {
  const lines = readFileSync(file, "utf8").split("\n").length;
  return [
    ...(lines > ceiling ? [`${file}: ${lines} lines, more than ${ceiling}: it holds more than one idea`] : []),
    ...(vague.test(file) ? [`${file}: the name does not say what is inside`] : []),
  ];
});
if (problems.length > 0) {
  process.stderr.write(`${problems.join("\n")}\n`);
  process.exit(1);
}
process.stdout.write(`lengths: ${files.length} files, none over ${ceiling} lines\n`);
