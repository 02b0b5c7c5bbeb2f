import { createAtlas } from "atlas-compute";
import { local } from "atlas-compute/local";
import { runpod } from "atlas-compute/runpod";
import { createControlPlane, sharedAtlas } from "atlas-compute/server";
import { sqliteStore } from "atlas-compute/sqlite";
import { podRequest } from "./pod.server.ts";
import { userOf } from "./session.server.ts";

export const atlas = sharedAtlas("main", () =>
  createAtlas({
    providers: [process.env.RUNPOD_API_KEY ? runpod() : local()],
    store: sqliteStore("./atlas.db"),
    limits: { computesPerUser: 1 },
    signingKey: process.env.ATLAS_SIGNING_KEY ?? "only for development, 32 bytes or more",
    controlUrl: `${process.env.APP_URL ?? `http://127.0.0.1:${process.env.PORT ?? 3000}`}/api/atlas`,
  }),
);

atlas.startReaper({ untilSignal: true });

export const plane = createControlPlane({
  atlas,
  authorize: async (request) => {
    const userId = await userOf(request);
    return userId === undefined ? null : { userId };
  },
  request: podRequest,
  basePath: "/api/atlas",
});
