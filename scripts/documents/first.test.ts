/** The commands of README and of the first half of docs, in order, on clips that are made. */
import { parts, runCommandsOf } from "./commands.test.support.js";

runCommandsOf(parts.first);
