/** The commands of the pages of measurements. */
import { parts, runCommandsOf } from "./commands.test.support.js";

runCommandsOf(parts.measurements);
