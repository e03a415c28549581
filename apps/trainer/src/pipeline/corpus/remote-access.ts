import { KdcError } from "@kdc-mae/core";
import type { RemoteOptions } from "@kdc-mae/data/node";

/**
 * How `s3://` addresses are reached, from the variables that AWS's own tools read: `AWS_REGION` (or
 * `AWS_DEFAULT_REGION`), `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and for another service that
 * speaks S3 `AWS_ENDPOINT_URL_S3` (or `AWS_ENDPOINT_URL`). Without keys a bucket is read as a public one.
 *
 * @throws KdcError reason `credentials` when one key is given without the other
 */
export function remoteAccess(env: Readonly<Record<string, string | undefined>>): RemoteOptions {
  const given = (...names: string[]) =>
    names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
  const endpoint = given("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  // A service of one's own mostly minds no region, but the signature needs one.
  const region = given("AWS_REGION", "AWS_DEFAULT_REGION") ?? (endpoint === undefined ? undefined : "us-east-1");
  const [accessKeyId, secretAccessKey] = [given("AWS_ACCESS_KEY_ID"), given("AWS_SECRET_ACCESS_KEY")];
  const sessionToken = given("AWS_SESSION_TOKEN");
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new KdcError({
      where: "environment",
      what: `${accessKeyId === undefined ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"} is set without the other key`,
      remedy: "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither for a public bucket",
      reason: "credentials",
    });
  }
  if (region === undefined) return {};
  const keys = accessKeyId === undefined ? {} : { accessKeyId, secretAccessKey, sessionToken };
  return { s3: { region, ...keys, endpoint, now: () => new Date() } };
}
