import { afterEach, expect, it } from "vitest";
import { type ComputeClient, ComputeError, type ComputeSession } from "../../src/browser/index.ts";
import { bob, ORIGIN, planeUnderTest } from "../server/plane.ts";
import { readyPod, tab, until } from "./tab.ts";

const opened: ComputeSession[] = [];
afterEach(() => {
  for (const session of opened.splice(0)) session.close();
});

async function open(client: ComputeClient): Promise<ComputeSession> {
  const session = await client.open({ wish: {} });
  opened.push(session);
  return session;
}

it("spawns once, however often the page opens the slot, is mounted twice or reloaded", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  const [first, second] = await Promise.all([open(page.client), open(page.client)]);
  expect(second).toBe(first);
  first.close();
  const again = await open(page.reload());
  expect(again.getSnapshot().compute?.id).toBe(first.getSnapshot().compute?.id);
  const other = await open(tab(plane).client);
  expect(other.getSnapshot().compute?.id).toBe(first.getSnapshot().compute?.id);
  expect(plane.provider.instances).toHaveLength(1);
});

it("shows that it places before the control plane answers", async () => {
  const opening = tab(planeUnderTest()).client.open();
  opened.push(opening.session);
  expect(opening.session.getSnapshot()).toMatchObject({ phase: "placing", message: "looking for a GPU" });
  await opening;
});

it("keeps the token in the tab's storage and nowhere in the snapshot, and asks for another in a second tab", async () => {
  const plane = planeUnderTest();
  const [one, two] = [tab(plane), tab(plane)];
  const first = await open(one.client);
  await open(two.client);
  const tokens = [...one.memory.values(), ...two.memory.values()];
  expect(new Set(tokens).size).toBe(2);
  for (const token of tokens) expect(JSON.stringify(first.getSnapshot())).not.toContain(token);
});

it("restores what is there, and spawns nothing where nothing is", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  expect(await page.client.restore()).toBeUndefined();
  expect(plane.provider.instances).toHaveLength(0);
  const session = await open(page.client);
  session.close();
  const restored = await page.reload().restore();
  expect(restored?.getSnapshot().compute?.id).toBe(session.getSnapshot().compute?.id);
  restored?.close();
  expect(await tab(plane, { headers: bob }).client.restore()).toBeUndefined();
});

it("becomes ready by the pod's own answer only: not by an edge's page, not by another pod", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  const session = await open(page.client);
  await plane.clock.advance(60);
  await plane.atlas.reap();
  let answers = 0;
  page.state.pod = () => {
    answers += 1;
    return answers === 1
      ? new Response("<p>not yet", { headers: { "content-type": "text/html" } })
      : Response.json({
          computeId: answers === 2 ? "another" : session.getSnapshot().compute?.id,
          status: "ready",
        });
  };
  await session.whenReady();
  expect(answers).toBeGreaterThanOrEqual(3);
  expect(session.getSnapshot().phase).toBe("ready");
});

it("sends the token to the pod's origin alone, renews it once at the guard's 401, and repeats no answer of the server behind", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  const session = await open(page.client);
  await plane.clock.advance(60);
  await plane.atlas.reap();
  const old = [...page.memory.values()][0];
  const seen: (string | null)[] = [];
  page.state.pod = readyPod(
    () => session.getSnapshot().compute?.id,
    ({ url, headers }) => {
      seen.push(headers.get("authorization"));
      if (url.endsWith("/busy")) return new Response(null, { status: 503, headers: { "retry-after": "1" } });
      const isOld = headers.get("authorization") === `Bearer ${old}`;
      return isOld
        ? new Response(null, { status: 401, headers: { "x-atlas-refusal": "1" } })
        : new Response("hello");
    },
  );
  expect(await (await session.fetch("/v1/chat")).text()).toBe("hello");
  expect(seen).toHaveLength(2);
  expect(seen[0]).toBe(`Bearer ${old}`);
  expect((await session.fetch("/busy")).status).toBe(503);
  expect(seen).toHaveLength(3);
  await expect(session.fetch("https://elsewhere.example/")).rejects.toMatchObject({ code: "VALIDATION" });
  expect(page.sent.filter(({ url }) => url.includes("elsewhere"))).toEqual([]);
});

it("turns a problem into an error with its code", async () => {
  const page = tab(planeUnderTest(), { headers: { origin: ORIGIN } });
  const refused = await page.client.open().catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ComputeError);
  expect(refused).toMatchObject({ name: "ComputeError", status: 401 });
  expect(page.client.session().getSnapshot().phase).toBe("failed");
});

it("shows that it is offline, and spawns once when it is back", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  page.state.isOnline = false;
  const opening = page.client.open();
  opened.push(opening.session);
  await until(opening.session, "offline");
  page.state.isOnline = true;
  await opening;
  expect(opening.session.getSnapshot().phase).not.toBe("offline");
  expect(plane.provider.instances).toHaveLength(1);
});

it("ends the compute, and forgets without ending it at a close", async () => {
  const plane = planeUnderTest();
  const page = tab(plane);
  const session = await open(page.client);
  session.close();
  const count = page.sent.length;
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(page.sent).toHaveLength(count);
  expect(plane.provider.instances).toHaveLength(1);
  await expect(session.whenReady()).rejects.toMatchObject({ code: "CONFLICT" });
  const again = await open(page.client);
  await again.end();
  await until(again, "ended");
  expect(await plane.atlas.getCompute(again.getSnapshot().compute?.id ?? "")).toMatchObject({
    status: "terminated",
  });
});
