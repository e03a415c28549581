import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KdcError } from "@kdc-mae/core";
import { openStore } from "../search/open-store.js";
import type { ServedPage } from "../serve-here.js";
import { isHubAddress } from "../share/hub-address.js";
import type { Surroundings } from "../surroundings.js";
import { serveExplorer } from "./serve-explorer.js";

/** Where the built page lies: in this package as published, or in the app beside it. */
const pages = ["../../../explorer", "../../../../explorer/dist"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** What the page is opened on. */
export type ExploreOptions = {
  /** A run's folder, a model's file, or `hf://user/name`; the page alone where there is none. */
  readonly run?: string;
  /** What `kdc-mae index` made. */
  readonly index?: string;
  /** The indexed films, where they lie elsewhere now than the index says. */
  readonly media?: string;
  readonly port?: number;
  /** Where a hub's address, token and cache are looked up. */
  readonly env?: Surroundings["env"];
  /** The built page, where it is not the package's own. */
  readonly page?: string;
};

async function modelOf(run: string, env: Surroundings["env"]): Promise<string> {
  // What fetches from a hub is loaded where one is asked.
  if (isHubAddress(run)) return (await import("../share/local-model.js")).localModel(run, { env });
  const file = run.endsWith(".safetensors") ? run : join(run, "model.safetensors");
  if (existsSync(file)) return file;
  throw new KdcError({
    where: "explore",
    what: `there is no model ${file}`,
    remedy: "Give the folder of a finished run, or a model.safetensors; kdc-mae demo makes one",
    reason: "no-model",
  });
}

/**
 * Serves the explorer with what there is: a run's model, an index and its films.
 *
 * @throws KdcError for a run without a model, an index that is none, or a page that was not built
 */
export async function explore({ run, index, media, port, page, env }: ExploreOptions): Promise<ServedPage> {
  const model = run === undefined ? undefined : await modelOf(run, env);
  let films = media;
  if (index !== undefined) {
    const store = await openStore(index, {});
    films ??= store.about.root;
    const { kind } = store;
    await store.close();
    if (kind !== "plain") {
      throw new KdcError({
        where: `index ${index}`,
        what: "it is kept in LanceDB, which a page cannot read",
        remedy: "Make a plain one beside it: kdc-mae index FOLDER --index other",
        reason: "index-store",
      });
    }
  }
  return serveExplorer({
    page: page ?? pages.find((one) => existsSync(join(one, "index.html"))) ?? pages[1],
    model,
    index,
    media: films,
    port,
  });
}
