import { describe, expect, it } from "vitest";
import { ada, bob, jsonOf, planeUnderTest } from "./plane.ts";

describe("a slot of the control plane", () => {
  it("spawns at the first PUT, with the token, and answers the same compute without one after it", async () => {
    const { call } = planeUnderTest();
    const first = await call("PUT", "/slots/default", { headers: ada, body: { plan: "large" } });
    expect(first.status).toBe(201);
    const spawned = await jsonOf(first);
    expect(spawned).toMatchObject({ slot: "default", userId: "ada", auth: { token: expect.any(String) } });
    expect(first.headers.get("location")).toBe(`../computes/${spawned.id}`);
    const second = await call("PUT", "/slots/default", { headers: ada, body: {} });
    expect(second.status).toBe(200);
    const found = await jsonOf(second);
    expect(found.id).toBe(spawned.id);
    expect(found.auth).not.toHaveProperty("token");
  });

  it("belongs to its user: another user's PUT spawns another compute, and the GET finds none", async () => {
    const { call } = planeUnderTest();
    const { id } = await jsonOf(call("PUT", "/slots/default", { headers: ada, body: {} }));
    expect((await call("GET", "/slots/default", { headers: bob })).status).toBe(404);
    const other = await jsonOf(call("PUT", "/slots/default", { headers: bob, body: {} }));
    expect(other.id).not.toBe(id);
    expect(await jsonOf(call("GET", "/slots/default", { headers: ada }))).toMatchObject({ id });
  });

  it("is the path's, whatever slot or key the application's request names", async () => {
    const { call } = planeUnderTest({
      request: () => ({ gpu: "h100", slot: "elsewhere", idempotencyKey: "k" }),
    });
    for (const slot of ["a", "b"])
      expect(await jsonOf(call("PUT", `/slots/${slot}`, { headers: ada, body: {} }))).toMatchObject({ slot });
  });

  it("shows the live compute only", async () => {
    const { call, atlas } = planeUnderTest();
    const { id } = await jsonOf(call("PUT", "/slots/default", { headers: ada, body: {} }));
    await atlas.terminate(String(id));
    expect(await jsonOf(call("GET", "/slots/default", { headers: ada }))).toMatchObject({
      code: "NOT_FOUND",
    });
  });

  it("refuses a name that is no slot", async () => {
    const { call, provider } = planeUnderTest();
    for (const slot of ["-a", "A", "a%20b", "x".repeat(65)])
      for (const method of ["PUT", "GET"])
        expect(
          (await call(method, `/slots/${slot}`, { headers: ada, ...(method === "PUT" && { body: {} }) }))
            .status,
        ).toBe(422);
    expect(provider.calls).toEqual([]);
  });
});
