/** The changesets as they will be released: each can be read and names packages that are there; what comes of them. */
import { readFileSync } from "node:fs";
import getReleasePlan from "@changesets/get-release-plan";

const plan = await (getReleasePlan.default ?? getReleasePlan)(process.cwd());
const released = plan.releases.filter(({ type }) => type !== "none");
for (const { name, type, oldVersion, newVersion } of released) {
  process.stdout.write(`${name} ${oldVersion} → ${newVersion} (${type})\n`);
}
const { fixed } = JSON.parse(readFileSync(".changeset/config.json", "utf8"));
if (plan.changesets.length > 0 && released.length === 0) throw new Error(`changesets release nothing; fixed: ${fixed}`);
const silent = released.filter(({ changesets }) => changesets.length === 0).map(({ name }) => name);
if (silent.length > 0) process.stdout.write(`only their numbers change: ${silent.join(", ")}\n`);
