import { beginClipSection } from "./clip-section.js";
import { beginHeat } from "./heat.js";
import { beginModelSection } from "./model-section.js";
import { beginSearchSection } from "./search-section.js";
import { beginServed } from "./served.js";
import { shared } from "./state.js";
import { beginTrainSection } from "./train-section.js";
import { beginViewsSection } from "./views-section.js";

beginClipSection();
beginViewsSection();
beginHeat();
beginModelSection();
beginSearchSection();
beginTrainSection();
void beginServed();
/** What the page holds, for whoever opens the console. */
Object.assign(globalThis, { explorer: shared });
document.documentElement.dataset.ready = "yes";
