import { byId } from "./elements.js";
import { loadModel } from "./model-section.js";
import { openServed } from "./search-section.js";

/** What `kdc-mae explore` serves beside the page. */
export type Served = { readonly model: boolean; readonly index: boolean; readonly films: boolean };

/** Asks this page's own host what it has; a static host has nothing, which is no fault. */
export async function beginServed(): Promise<void> {
  // The page's own file is opened without a host: there is nobody to ask.
  if (document.querySelector("meta[name=served]") === null) return;
  const served = (await (await fetch("run/about.json")).json()) as Served;
  byId("served").textContent = "Served by kdc-mae explore.";
  await openServed(served);
  if (served.model) await loadModel(await (await fetch("run/model.safetensors")).blob(), "model.safetensors");
}
