/** Both ends of `/internal/verify`: another service's authenticator, and the control plane that it asks. */
import { expect, test } from "vitest";
import { type Authenticator, type ComputeIdentity, createRemoteAuthenticator } from "../../src/auth/index.ts";
import { AtlasError, type AtlasErrorCode, isAtlasError } from "../../src/errors.ts";
import { intercept, storeMethods } from "../support/intercept.ts";
import { BASE, INTERNAL_SECRET, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

function authenticatorFor(
  { handler }: PlaneUnderTest,
  options: { secret?: string; headerName?: string } = {},
): Authenticator<ComputeIdentity> {
  return createRemoteAuthenticator({
    url: `${BASE}/internal/verify`,
    secret: INTERNAL_SECRET,
    fetch: async (input, init) => handler(new Request(input, init)),
    ...options,
  });
}

async function codeOf(verdict: Promise<unknown>): Promise<AtlasErrorCode | "accepted"> {
  try {
    await verdict;
    return "accepted";
  } catch (error) {
    if (isAtlasError(error)) return error.code;
    throw error;
  }
}

test("names the compute of a token, and rejects every other token", async () => {
  const plane = planeUnderTest();
  const { compute, token, podToken } = await plane.spawn();
  const { verify } = authenticatorFor(plane);
  expect(await verify(token)).toEqual({
    computeId: compute.id,
    userId: "ada",
    tenantId: null,
    status: compute.status,
  });
  expect(await codeOf(verify(podToken))).toBe("UNAUTHORIZED");
  await plane.atlas.revokeToken(compute.id);
  expect(await codeOf(verify(token))).toBe("UNAUTHORIZED");
});

test("does not blame the token for a wrong secret of the service", async () => {
  const plane = planeUnderTest();
  const { token } = await plane.spawn();
  const { verify } = authenticatorFor(plane, { secret: "wrong-internal-secret-of-32-chars" });
  expect(await codeOf(verify(token))).toBe("UNAVAILABLE");
});

test("does not blame the token for a secret that the control plane lacks, nor for a store that is down", async () => {
  let isDown = false;
  const check = (): void => {
    if (isDown) throw new AtlasError("STORE_UNAVAILABLE", "the database does not answer");
  };
  const plane = planeUnderTest({}, (store) => intercept(store, storeMethods, check));
  const { token } = await plane.spawn();
  isDown = true;
  expect(await codeOf(authenticatorFor(plane).verify(token))).toBe("UNAVAILABLE");
  const closed = planeUnderTest({ internalSecret: undefined });
  expect(await codeOf(authenticatorFor(closed).verify(token))).toBe("UNAVAILABLE");
});
