import { dirname, join } from "node:path";
import { KdcError } from "@kdc-mae/core";

/** A model repository on a hub: `hf://user/name`, with `@revision` and a file in it where they are given. */
export type HubAddress = {
  /** `user/name`. */
  readonly repo: string;
  readonly revision?: string;
  readonly file?: string;
};

/** How a hub is reached. */
export type HubAccess = {
  /** Another hub's root; `HF_ENDPOINT`, else https://huggingface.co. */
  readonly hubUrl?: string;
  /** An access token; `HF_TOKEN`. */
  readonly token?: string;
};

export const isHubAddress = (text: string): boolean => text.startsWith("hf://");

const WORD = "[A-Za-z0-9][A-Za-z0-9._-]*";
const FORM = new RegExp(`^hf://(${WORD}/${WORD})(?:@([A-Za-z0-9._-]+))?(?:/(.+))?$`);

/** A path that stays within the folder it is joined to. */
export const staysInside = (path: string): boolean =>
  !path.startsWith("/") &&
  !/[\\:\0]/.test(path) &&
  path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/** @throws KdcError (`usage`) for text that is no address */
export function hubAddress(text: string): HubAddress {
  const [, repo, revision, file] = FORM.exec(text) ?? [];
  if (repo === undefined || (file !== undefined && !staysInside(file))) {
    throw new KdcError({
      where: text,
      what: "it is not the address of a model on a hub",
      remedy: "Write hf://user/name, hf://user/name@revision, or hf://user/name/file.safetensors",
      reason: "usage",
    });
  }
  return { repo, ...(revision === undefined ? {} : { revision }), ...(file === undefined ? {} : { file }) };
}

/** How the hub is reached, from what was given and from the environment. */
export const accessOf = (
  { hubUrl, token }: HubAccess,
  env: Readonly<Record<string, string | undefined>>,
): HubAccess => ({
  hubUrl: (hubUrl ?? env.HF_ENDPOINT)?.replace(/\/+$/, ""),
  token: token ?? env.HF_TOKEN,
});

/** What a hub answered, in words. */
export function hubError(doing: string, error: unknown): KdcError {
  if (error instanceof KdcError) return error;
  const status = (error as { statusCode?: number }).statusCode;
  const what = error instanceof Error ? error.message : String(error);
  const remedy =
    status === 401 || status === 403
      ? "Give a token that may do so, in HF_TOKEN (huggingface.co/settings/tokens)"
      : status === 404
        ? "Check the name and the revision; a private model needs HF_TOKEN"
        : "Check the network and the hub's address (HF_ENDPOINT), and try again: what is there already is not sent twice";
  return new KdcError({ where: doing, what, remedy, reason: "hub", cause: error });
}

/** What is not as the hub says. */
export const refused = (where: string, what: string): KdcError =>
  new KdcError({ where, what, remedy: "Check the model's page on the hub, and fetch it again", reason: "hub" });

/** The token as the hub's library takes it. */
export const credentials = ({ token }: HubAccess) => (token === undefined ? {} : { accessToken: token });

/** Where what is made of a model goes by default: beside it; of a model on a hub in `runs/`. */
export const folderBeside = (model: string, name: string): string =>
  join(isHubAddress(model) ? join("runs", hubAddress(model).repo) : dirname(model), name);
