/** The commands of the second half of docs, which go on from what README's first command made. */
import { parts, runCommandsOf } from "./commands.test.support.js";

runCommandsOf(parts.later, ["kdc-mae demo"]);
