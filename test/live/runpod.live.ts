/**
 * Runs runpod() against the real RunPod, with your key: `RUNPOD_API_KEY=… npm run test:live`. It creates one CPU pod, prints the
 * cost first, and ends the pod in every case. `ATLAS_LIVE_GPU=rtx-4090` makes it a GPU pod.
 */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { CallContext } from "../../src/call-context.ts";
import type { Instance, PlacementRequest } from "../../src/provider.ts";
import { runpod } from "../../src/providers/runpod/index.ts";
import { until } from "./until.ts";

const BOOT_SECONDS = 600;
const GONE_SECONDS = 180;
const MAX_DOLLARS_PER_HOUR = 1;

const context = (): CallContext => ({ signal: AbortSignal.timeout(120_000), requestTimeoutSeconds: 60 });
const provider = runpod();
const gpu = process.env.ATLAS_LIVE_GPU;

const placement: PlacementRequest = {
  gpus: gpu === undefined ? [] : [gpu],
  gpuCount: 1,
  image: "python:3.13-slim",
  command: ["python", "-m", "http.server", "8000", "--bind", "0.0.0.0"],
  ports: [
    { internal: 8000, protocol: "http" },
    { internal: 22, protocol: "tcp" },
  ],
  regions: [],
  maxCostPerHour: MAX_DOLLARS_PER_HOUR,
  metadata: {},
  options: undefined,
};

const random = (): string => randomBytes(10).toString("hex");

/** Lists do not show a new pod at once, so an empty list counts only after the grace. */
async function endEverything(name: string): Promise<void> {
  const provesAbsence = Date.now() + provider.absenceGraceSeconds * 1000;
  await until(`no pod is called ${name}`, GONE_SECONDS, async () => {
    await provider.terminate({ name }, context());
    const left = await provider.list({ namePrefix: name }, context());
    return left.length === 0 && Date.now() > provesAbsence ? true : undefined;
  });
}

describe.skipIf(process.env.RUNPOD_API_KEY === undefined)("RunPod itself (needs RUNPOD_API_KEY)", () => {
  it("creates, shows, lists, serves and ends one pod", async () => {
    const [candidate] = await provider.candidates(placement, context());
    if (candidate === undefined) throw new Error("RunPod offers nothing that fits");
    const { costPerHour = Number.NaN } = candidate;
    console.log(`This pod costs ${costPerHour} dollars an hour; it is ended within minutes.`);
    expect(costPerHour).toBeLessThanOrEqual(MAX_DOLLARS_PER_HOUR);
    const [name, owner, secret] = [`atlas-live-${random()}`, random(), random()];
    const env = { ATLAS_OWNER: owner, SECRET: secret };
    try {
      const created = await provider.create({ ...placement, candidate, name, owner, env }, context());
      expect(JSON.stringify(created)).not.toContain(secret);
      const running = await until<Instance>("it runs", BOOT_SECONDS, async () => {
        const instance = await provider.get(created, context());
        expect(instance?.status).not.toBe("failed");
        return instance?.status === "running" ? instance : undefined;
      });
      expect(running).toMatchObject({ name, owner });
      expect((await provider.list({ namePrefix: name }, context())).map(({ owner: tag }) => tag)).toEqual([
        owner,
      ]);
      const url = running.ports[0]?.url ?? "";
      await until("its port answers", BOOT_SECONDS, async () => {
        const response = await fetch(url).catch(() => undefined);
        return response?.ok ? true : undefined;
      });
      const lines: string[] = [];
      for await (const { line } of provider.logs(running, { tail: 5, follow: false }, context()))
        lines.push(line);
      expect(lines.length).toBeGreaterThan(0);
    } finally {
      await endEverything(name);
    }
  });
});
