import { expect, it } from "vitest";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
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
