import { beginClipSection } from "./clip-section.js";
import { shared } from "./state.js";
import { beginViewsSection } from "./views-section.js";

beginClipSection();
beginViewsSection();
/** What the page holds, for whoever opens the console. */
Object.assign(globalThis, { explorer: shared });
document.documentElement.dataset.ready = "yes";
