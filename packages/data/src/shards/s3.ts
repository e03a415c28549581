import { KdcError } from "@kdc-mae/core";
import { AwsV4Signer } from "aws4fetch";

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

const encode = (part: string): string =>
  encodeURIComponent(part).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

/** SHA-256 of nothing, which is what a GET sends. */
const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** The first region has the plain name. */
const hostOf = (region: string): string => (region === "us-east-1" ? "s3.amazonaws.com" : `s3.${region}.amazonaws.com`);

/**
 * The https request for `s3://bucket/key`, signed with AWS Signature Version 4 where there are keys.
 *
 * @throws KdcError reason `remote` when the address or the region is missing, or the key has a part `.` or `..`, which
 *   every web client takes out of an address, so that another object would be asked for
 */
export async function s3Request(
  address: string,
  headers: Readonly<Record<string, string>>,
  access: S3Access | undefined,
): Promise<{ url: string; headers: Record<string, string> }> {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(address) ?? [];
  const refuse = (what: string, remedy: string) => new KdcError({ where: address, what, remedy, reason: "remote" });
  if (bucket === undefined || access === undefined) {
    throw refuse(
      bucket === undefined ? "it is not of the form s3://bucket/key" : "no region is known for it",
      "Give s3://bucket/key, and the region with AWS_REGION",
    );
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(bucket)) throw refuse("its bucket's name is not a valid one", "Check it");
  if (key.split("/").some((part) => part === "." || part === ".."))
    throw refuse("its key has a part . or .., which would be asked for as another key", "Give the object another key");
  const { region, accessKeyId, secretAccessKey, sessionToken, endpoint } = access;
  const path = `/${key.split("/").map(encode).join("/")}`;
  const url =
    endpoint === undefined
      ? `https://${bucket}.${hostOf(region)}${path}`
      : `${endpoint.replace(/\/+$/, "")}/${bucket}${path}`;
  if (accessKeyId === undefined || secretAccessKey === undefined) return { url, headers: { ...headers } };
  const signer = new AwsV4Signer({
    ...{ url, method: "GET", service: "s3", region, accessKeyId, secretAccessKey, sessionToken, allHeaders: true },
    headers: { ...headers, "x-amz-content-sha256": emptySum },
    datetime: access
      .now()
      .toISOString()
      .replace(/[-:]|\.\d+/g, ""),
  });
  const signed = await signer.sign();
  return { url: signed.url.href, headers: Object.fromEntries(signed.headers) };
}
