import { expect, it } from "vitest";
import { remoteAccess } from "./remote-access.js";

const keys = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };

it("takes what AWS's own tools read from the environment", () => {
  expect(remoteAccess({})).toEqual({});
  expect(remoteAccess({ AWS_DEFAULT_REGION: "eu-north-1", AWS_SESSION_TOKEN: "" }).s3).toMatchObject({
    region: "eu-north-1",
  });
  expect(
    remoteAccess({ AWS_REGION: "a", AWS_DEFAULT_REGION: "b", ...keys, AWS_SESSION_TOKEN: "token" }).s3,
  ).toMatchObject({
    region: "a",
    accessKeyId: "id",
    secretAccessKey: "secret",
    sessionToken: "token",
    endpoint: undefined,
  });
  const own = { AWS_ENDPOINT_URL_S3: "http://localhost:9000", AWS_ENDPOINT_URL: "http://other" };
  expect(remoteAccess({ ...own, ...keys }).s3).toMatchObject({
    region: "us-east-1",
    endpoint: "http://localhost:9000",
  });
  expect(remoteAccess({ AWS_REGION: "a" }).s3!.now().getTime()).toBeGreaterThan(1.6e12);
});

it("does not take half of a pair of keys", () => {
  expect(() => remoteAccess({ AWS_REGION: "a", AWS_ACCESS_KEY_ID: "id" })).toThrow(
    "environment: AWS_ACCESS_KEY_ID is set without the other key. Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  );
});
