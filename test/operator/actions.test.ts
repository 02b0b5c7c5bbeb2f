import { describe, expect, it } from "vitest";
import type { Compute } from "../../src/compute.ts";
import { type DeskUnderTest, deskUnderTest } from "./desk.ts";

async function withCompute(): Promise<DeskUnderTest & { readonly compute: Compute }> {
  const desk = deskUnderTest();
  const spawned = desk.atlas.spawnCompute({
    userId: "ann",
    ports: [8000],
    idleTimeoutSeconds: 600,
    maxLifetimeSeconds: 3600,
    maxExtendedLifetimeSeconds: 36_000,
  });
  const compute = await desk.clock.settle(spawned);
  await desk.clock.settle(compute.waitUntilReady());
  return { ...desk, compute };
}

describe("an action of the operator page", () => {
  it("asks first, and changes nothing by a question", async () => {
    const { get, compute } = await withCompute();
    for (const action of ["touch", "extend", "stop", "rotate", "terminate"]) {
      const html = await (await get(`/computes/${compute.id}/${action}`)).text();
      expect(html).toContain(`<form method="post" action="/operator/computes/${compute.id}/${action}"`);
    }
    expect((await compute.refresh()).status).toBe("running");
  });

  it.each([
    ["touch", "running"],
    ["extend", "running"],
    ["stop", "stopped"],
    ["terminate", "terminated"],
  ])("%s is done by a form, and the next page tells of it", async (action, status) => {
    const { get, post, atlas, clock, compute, logged } = await withCompute();
    await clock.advance(60);
    const before = compute.lifetimeDeadline?.getTime() ?? 0;
    const response = await clock.settle(post(`/computes/${compute.id}/${action}`, { minutes: "30" }));
    expect(response.status).toBe(303);
    const location = response.headers.get("location") ?? "";
    const html = await (await get(location.replace("/operator", ""))).text();
    expect(html).toContain('<p class="notice" role="status">');
    expect((await compute.refresh()).status).toBe(status);
    if (action === "extend") expect(compute.lifetimeDeadline?.getTime()).toBe(before + 1_800_000);
    const events = await Array.fromAsync(atlas.events(compute.id, { follow: false }));
    expect(events.filter(({ data }) => data.by === "operator:grace")).toHaveLength(1);
    expect(logged).toContainEqual([
      `operator grace: ${action} of compute ${compute.id}`,
      { operator: "grace", computeId: compute.id },
    ]);
  });

  it("start brings a stopped compute back", async () => {
    const { post, clock, compute } = await withCompute();
    await clock.settle(compute.stop());
    expect((await clock.settle(post(`/computes/${compute.id}/start`))).status).toBe(303);
    expect((await compute.refresh()).status).toBe("provisioning");
  });

  it("rotate shows the new token once, on a page that no cache keeps, and no page, log or event has it", async () => {
    const { get, post, clock, compute, atlas, logged } = await withCompute();
    const response = await clock.settle(post(`/computes/${compute.id}/rotate`));
    const token = /value="([\w-]{43})"/.exec(await response.text())?.[1] ?? "";
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(await atlas.verifyToken(compute.id, token)).toBe(true);
    const events = await Array.fromAsync(atlas.events(compute.id, { follow: false }));
    const pages = await Promise.all(
      ["", `/computes/${compute.id}`].map(async (path) => (await get(path)).text()),
    );
    expect(JSON.stringify([events, logged, pages])).not.toContain(token);
  });

  it("tells why the client refuses it", async () => {
    const { post, clock, compute } = await withCompute();
    await clock.settle(compute.terminate());
    const refused = await clock.settle(post(`/computes/${compute.id}/touch`));
    expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining("CONFLICT")]);
  });

  it("refuses a form that is too long, a number that is none, and a compute or an action that does not exist", async () => {
    const { post, compute } = await withCompute();
    const statusOf = async (path: string, form: Record<string, string>): Promise<number> =>
      (await post(path, form)).status;
    expect(await statusOf(`/computes/${compute.id}/extend`, { minutes: "a while" })).toBe(422);
    expect(await statusOf(`/computes/${compute.id}/extend`, { minutes: "1".repeat(2000) })).toBe(422);
    expect(await statusOf("/computes/abcdefghij0123456789/terminate", {})).toBe(404);
    expect(await statusOf(`/computes/${compute.id}/explode`, {})).toBe(404);
    expect((await compute.refresh()).status).toBe("running");
  });
});
