import { describe, expect, test } from "vitest";
import { verifyOpeningLink, verifySignedPrefix } from "../../src/auth/index.ts";
import { ada, bob, jsonOf, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

function verifying({ provider, clock }: PlaneUnderTest): { secret: string; now: Date } {
  return { secret: provider.instances[0]?.env.ATLAS_SIGNING_SECRET ?? "", now: clock.now() };
}

describe("a signed folder", () => {
  test("opens what is below it, for as long as was asked", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    const body = { path: "/hls/42/", prefix: true, expiresInSeconds: 600 };
    const answer = await jsonOf(
      plane.call("POST", `/computes/${compute.id}/signed-url`, { headers: ada, body }),
    );
    const { pathname } = new URL("a.ts", String(answer.url));
    expect(verifySignedPrefix(pathname, verifying(plane))).toMatchObject({
      ok: true,
      path: "/hls/42/a.ts",
      expiresAt: Date.parse(String(answer.expiresAt)) / 1000,
    });
  });

  test.each([
    { path: "/a", prefix: true },
    { path: "/", prefix: true },
    { path: "/a/", prefix: "yes" },
    { path: "/a/", prefix: true, expiresInSeconds: 604_801 },
  ])("is not made for %j", async (body) => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    const path = `/computes/${compute.id}/signed-url`;
    expect((await plane.call("POST", path, { headers: ada, body })).status).toBe(422);
  });
});

describe("an opening link", () => {
  test("opens a path of the first http port, for a minute", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    const answer = await jsonOf(
      plane.call("POST", `/computes/${compute.id}/open`, { headers: ada, body: { path: "/lab?x=1" } }),
    );
    const query = new URL(String(answer.url)).search.slice(1);
    expect(verifyOpeningLink(query, verifying(plane))).toMatchObject({ ok: true, to: "/lab?x=1" });
    expect(answer.expiresAt).toBe(new Date(plane.clock.now().getTime() + 60_000).toISOString());
  });

  test.each([{ expiresInSeconds: 301 }, { path: "/../x" }, { path: "/", userId: "bob" }, { port: 22 }])(
    "is not made for %j",
    async (body) => {
      const plane = planeUnderTest();
      const { compute } = await plane.spawn();
      expect((await plane.call("POST", `/computes/${compute.id}/open`, { headers: ada, body })).status).toBe(
        422,
      );
    },
  );
});

describe("one more token", () => {
  test("is told once, and opens the compute beside the first one", async () => {
    const plane = planeUnderTest();
    const { compute, token } = await plane.spawn();
    const response = await plane.call("POST", `/computes/${compute.id}/token`, { headers: ada });
    const { token: added, hash, ...rest } = await jsonOf(response);
    expect([response.status, rest]).toEqual([201, {}]);
    expect((await plane.atlas.findByToken(added))?.id).toBe(compute.id);
    expect((await plane.atlas.findByToken(token))?.id).toBe(compute.id);
    expect((await plane.atlas.getCompute(compute.id)).tokens.at(-1)?.hash).toBe(hash);
  });

  test("is another user's to nobody, and has a rate of its own", async () => {
    const plane = planeUnderTest();
    const { compute } = await plane.spawn();
    const path = `/computes/${compute.id}/token`;
    expect((await plane.call("POST", path, { headers: bob })).status).toBe(404);
    const statuses = [];
    for (let count = 0; count < 11; count += 1)
      statuses.push((await plane.call("POST", path, { headers: ada })).status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(1);
  });
});

test("no answer to a browser has the signing secret", async () => {
  const plane = planeUnderTest();
  const { compute } = await plane.spawn();
  const { secret } = verifying(plane);
  const answers = [
    await plane.call("POST", "/computes", { headers: ada, body: {} }),
    await plane.call("GET", `/computes/${compute.id}`, { headers: ada }),
    await plane.call("POST", `/computes/${compute.id}/open`, { headers: ada, body: {} }),
    await plane.call("POST", `/computes/${compute.id}/token`, { headers: ada }),
  ];
  for (const answer of answers) {
    const text = await answer.text();
    expect(text).not.toContain(secret);
    expect(text).not.toContain("signingSecret");
  }
});
