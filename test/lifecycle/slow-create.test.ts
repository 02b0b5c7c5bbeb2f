import { expect, it } from "vitest";
import { memoryStore } from "../../src/index.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { intercept } from "../support/intercept.ts";
import { scene } from "../support/scene.ts";

it("does not take an instance for gone that is not listed yet because its create took long", async () => {
  const clock = manualClock();
  const provider = mock({ clock, listLagSeconds: 60 });
  const slow = {
    ...provider,
    create: async (...[request, context]: Parameters<typeof provider.create>) => {
      await clock.sleep(50_000, context.signal);
      return provider.create(request, context);
    },
  };
  const { spawn, reap, settle, atlas, record } = scene({ clock, providers: [slow] });
  const { id } = await spawn();
  await settle(atlas.terminate(id));
  while ((await record(id)).status !== "terminated") {
    await clock.advance(5);
    await reap();
  }
  expect(provider.instances.map(({ status }) => status)).toEqual(["terminated"]);
});

it("records its placement again when that took long, so that no other process believes too early that nothing was created", async () => {
  const clock = manualClock();
  const provider = mock({ clock });
  const kept = memoryStore({ clock });
  const store = intercept(kept, ["insert"], () => clock.sleep(700_000));
  const placed: (number | undefined)[] = [];
  const watched = {
    ...provider,
    create: async (...call: Parameters<typeof provider.create>) => {
      const [record] = await kept.list({ namespace: "default" }, { limit: 1 });
      placed.push(record?.placedAt?.getTime());
      return provider.create(...call);
    },
  };
  const begun = clock.now().getTime();
  const { spawn } = scene({ clock, providers: [watched], store });
  await spawn();
  expect(placed).toEqual([begun + 700_000]);
});

it("waits as long as a provider's create may take, tells of its progress, and passes on the user", async () => {
  const clock = manualClock();
  const provider = mock({ clock });
  const users: unknown[] = [];
  const slow = {
    ...provider,
    createTimeoutSeconds: 300,
    create: async (...[request, context]: Parameters<typeof provider.create>) => {
      users.push(request.userId);
      context.report?.("the image: 42 % are here");
      await clock.sleep(200_000, context.signal);
      return provider.create(request, context);
    },
  };
  const { spawn } = scene({ clock, providers: [slow] });
  const steps: string[] = [];
  await spawn({ userId: "ada" }, { onProgress: ({ phase, message }) => steps.push(`${phase}: ${message}`) });
  expect(users).toEqual(["ada"]);
  expect(steps).toContain("creating: the image: 42 % are here");
});
