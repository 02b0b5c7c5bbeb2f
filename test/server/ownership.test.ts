import { expect, it } from "vitest";
import { createAtlas } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { ada, bearer, INTERNAL_SECRET, jsonOf, planeUnderTest } from "./plane.ts";

it("a control plane on another deployment's store answers 503 to pods and on /internal/verify, reads for users, and tells the operator", async () => {
  const { call, spawn, store, clock, logged } = planeUnderTest();
  const { compute, token, podToken } = await spawn();
  const owner = createAtlas({ providers: [mock({ clock })], store, clock, deployment: "elsewhere" });
  await store.forDeployment("elsewhere").adopt("moved");
  await owner.requireOwnership();
  const internal = { "x-internal-secret": INTERNAL_SECRET };
  const calls = [
    call("POST", "/pod/heartbeat", { headers: bearer(podToken), body: { signs: ["requests"] } }),
    call("POST", "/pod/status", { headers: bearer(podToken), body: { status: "ready" } }),
    call("POST", "/internal/verify", { headers: internal, body: { token } }),
    call("POST", "/internal/reap", { headers: internal }),
    call("POST", `/computes/${compute.id}/touch`, { headers: ada }),
    call("PUT", "/slots/default", { headers: ada, body: {} }),
  ];
  for (const response of await Promise.all(calls)) {
    expect(response.status).toBe(503);
    const problem = await jsonOf(response);
    expect(problem).toMatchObject({ code: "UNAVAILABLE" });
    expect(JSON.stringify(problem)).not.toContain("elsewhere");
  }
  expect(JSON.stringify(logged)).toContain("adopt --moved");
  expect((await call("GET", `/computes/${compute.id}`, { headers: ada })).status).toBe(200);
});
