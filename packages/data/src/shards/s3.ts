import { createHash, createHmac } from "node:crypto";
import { KdcError } from "@kdc-mae/core";

/** How a bucket is reached. Keys are left out for a public one; an app takes them from the environment. */
export type S3Access = {
  readonly region: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
  /** Address of another service that speaks S3, such as `http://localhost:9000`; the bucket then comes first in the path. */
  readonly endpoint?: string;
  /** The time, which is part of a signature. */
  readonly now: () => Date;
};

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Uint8Array, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const encode = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

/** The first region has the plain name. */
const hostOf = (region: string): string => (region === "us-east-1" ? "s3.amazonaws.com" : `s3.${region}.amazonaws.com`);

/**
 * The https request for `s3://bucket/key`, signed with AWS Signature Version 4 where there are keys.
 *
 * @throws KdcError reason `remote` when the address or the region is missing
 */
export function s3Request(
  address: string,
  headers: Readonly<Record<string, string>>,
  access: S3Access | undefined,
): { url: string; headers: Record<string, string> } {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
  if (bucket === undefined || access === undefined) {
    throw new KdcError({
      where: address,
      what: bucket === undefined ? "it is no s3://bucket/key" : "no region is known for it",
      remedy: "Give s3://bucket/key, and the region with AWS_REGION",
      reason: "remote",
    });
  }
  const { region, accessKeyId, secretAccessKey, sessionToken, endpoint } = access;
  const path = `/${key.split("/").map(encode).join("/")}`;
  const url = new URL(
    endpoint === undefined
      ? `https://${bucket}.${hostOf(region)}${path}`
      : `${endpoint.replace(/\/$/, "")}/${bucket}${path}`,
  );
  if (accessKeyId === undefined || secretAccessKey === undefined) return { url: url.href, headers: { ...headers } };

  const time = access
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, "");
  const empty = sha256("");
  const signed: Record<string, string> = {
    ...headers,
    host: url.host,
    "x-amz-content-sha256": empty,
    "x-amz-date": time,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken }),
  };
  const names = Object.keys(signed).sort();
  const list = names.join(";");
  const canonical = ["GET", url.pathname, "", ...names.map((name) => `${name}:${signed[name]}`), "", list, empty].join(
    "\n",
  );
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
  const wanted = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const dated = hmac(`AWS4${secretAccessKey}`, time.slice(0, 8));
  const signature = hmac(hmac(hmac(hmac(dated, region), "s3"), "aws4_request"), wanted).toString("hex");
  const { host: _, ...sent } = signed;
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${list},Signature=${signature}`;
  return { url: url.href, headers: { ...sent, authorization } };
}
