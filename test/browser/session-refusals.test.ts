/** Refusals that a page waits out, or explains. */
import { afterEach, expect, it } from "vitest";
import { type ComputeSession, createComputeClient } from "../../src/browser/index.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { planeUnderTest } from "../server/plane.ts";
import { tab, until } from "./tab.ts";

const opened: ComputeSession[] = [];
afterEach(() => {
  for (const session of opened.splice(0)) session.close();
});

/** Lets what is under way come to rest. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

it("asks again for a token by itself, after the pause that the control plane names", async () => {
  const plane = planeUnderTest();
  const { handler } = plane;
  (await tab(plane).client.open()).close();
  const asked: Request[] = [];
  Object.assign(plane, {
    handler: (request: Request) => {
      if (!request.url.endsWith("/token")) return handler(request);
      asked.push(request);
      const problem = { code: "RATE_LIMIT", detail: "too many requests", retryable: true };
      const headers = { "retry-after": "40" };
      return asked.length === 1 ? Response.json(problem, { status: 429, headers }) : handler(request);
    },
  });
  const clock = manualClock();
  const second = tab(plane, { clock });
  const opening = second.client.open();
  opened.push(opening.session);
  await settled();
  for (let seconds = 0; seconds < 39; seconds += 1) await clock.advance(1);
  await settled();
  expect(asked).toHaveLength(1);
  expect(opening.session.getSnapshot().phase).toBe("provisioning");
  await clock.advance(1);
  await opening;
  expect(asked).toHaveLength(2);
  expect(second.memory.size).toBe(1);
});

it("shows why a compute ended before the request for it was answered", async () => {
  const compute = {
    ...{
      id: "early",
      status: "terminated",
      reason: "exited",
      lastError: "its program ended with exit code 3",
    },
    ...{ endsAt: null, createdAt: "2026-01-01T00:00:00Z", now: "2026-01-01T00:00:09Z", ports: [] },
  };
  const detail = "The machine failed to start.";
  const problem = { code: "BOOT_FAILED", detail, retryable: false, computeId: "early" };
  const client = createComputeClient({
    baseUrl: "https://plane.example",
    fetch: async (input, init) => {
      if (init?.method === "PUT") return Response.json(problem, { status: 504 });
      if (String(input).endsWith("/computes/early")) return Response.json(compute);
      return Response.json({ code: "NOT_FOUND" }, { status: 404 });
    },
  });
  const opening = client.open();
  opened.push(opening.session);
  await expect(opening).rejects.toMatchObject({ code: "BOOT_FAILED", computeId: "early" });
  await until(opening.session, "failed");
  expect(opening.session.getSnapshot()).toMatchObject({
    message: "failed: its program ended with exit code 3",
    compute: { id: "early" },
  });
});

it("shows that a restore was refused, and forgets that when nothing is there", async () => {
  let status = 401;
  const client = createComputeClient({
    baseUrl: "https://plane.example",
    fetch: async () => Response.json({ detail: "sign in" }, { status }),
  });
  await expect(client.restore()).rejects.toMatchObject({ status: 401 });
  expect(client.session().getSnapshot()).toMatchObject({ phase: "failed", message: "failed: sign in" });
  status = 404;
  expect(await client.restore()).toBeUndefined();
  expect(client.session().getSnapshot()).toMatchObject({ phase: "none", message: "none", elapsedSeconds: 0 });
});
