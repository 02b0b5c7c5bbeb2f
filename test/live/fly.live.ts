/**
 * Runs fly() against the real Fly, with your token: `FLY_API_TOKEN=… FLY_ORG=… npm run test:live`. It creates one machine of 256 MB in its
 * own app, prints the cost first, and ends both in every case. `ATLAS_LIVE_REGION` replaces the region `iad`.
 */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { CallContext } from "../../src/call-context.ts";
import type { Instance, PlacementRequest } from "../../src/provider.ts";
import { fly } from "../../src/providers/fly/index.ts";
import { until } from "./until.ts";

const MAX_DOLLARS_PER_HOUR = 0.01;
const GONE_SECONDS = 120;

const context = (): CallContext => ({ signal: AbortSignal.timeout(120_000), requestTimeoutSeconds: 60 });
const provider = fly();
const isConfigured = process.env.FLY_API_TOKEN !== undefined && process.env.FLY_ORG !== undefined;

const placement: PlacementRequest = {
  gpus: [],
  gpuCount: 1,
  cpus: 1,
  memoryGb: 0.25,
  image: "python:3.13-slim",
  command: ["python", "-m", "http.server", "8000", "--bind", "0.0.0.0"],
  ports: [{ internal: 8000, protocol: "http", name: "files" }],
  regions: [process.env.ATLAS_LIVE_REGION ?? "iad"],
  metadata: {},
  options: undefined,
};

const random = (): string => randomBytes(10).toString("hex");

async function endEverything(name: string): Promise<void> {
  await until(`the app ${name} is gone`, GONE_SECONDS, async () => {
    await provider.terminate({ name }, context());
    return (await provider.find(name, context())).length === 0 ? true : undefined;
  });
}

async function reach(instance: Instance, status: Instance["status"]): Promise<Instance> {
  return until<Instance>(`it is ${status}`, provider.bootTimeoutSeconds, async () => {
    const shown = await provider.get(instance, context());
    expect(shown?.status).not.toBe("failed");
    return shown?.status === status ? shown : undefined;
  });
}

async function answers(url: string): Promise<void> {
  await until("its port answers", provider.bootTimeoutSeconds, async () => {
    const response = await fetch(url).catch(() => undefined);
    return response?.ok ? true : undefined;
  });
}

describe.skipIf(!isConfigured)("Fly itself (needs FLY_API_TOKEN and FLY_ORG)", () => {
  it("creates, shows, lists, serves, stops, starts and ends one machine", async () => {
    const [candidate] = await provider.candidates(placement, context());
    const { costPerHour = Number.NaN } = candidate ?? {};
    console.log(`This machine costs ${costPerHour} dollars an hour; it is ended within minutes.`);
    expect(costPerHour).toBeLessThanOrEqual(MAX_DOLLARS_PER_HOUR);
    const [name, owner, secret] = [`atlas-live-${random()}`, `owner-${random()}`, random()];
    const request = { ...placement, candidate: candidate ?? {}, name, owner, env: { SECRET: secret } };
    try {
      const created = await provider.create(request, context());
      expect(JSON.stringify(created)).not.toContain(secret);
      const running = await reach(created, "running");
      expect(running).toMatchObject({ name, owner, ports: [{ internal: 8000, name: "files" }] });
      await answers(running.ports[0]?.url ?? "");
      const again = await provider.create(request, context());
      expect(again.providerId).toBe(created.providerId);
      await provider.stop(running, context());
      await provider.start(await reach(running, "stopped"), context());
      await reach(running, "running");
      const listed = await until("it is listed", 60, async () => {
        const found = await provider.list({ namePrefix: name }, context());
        return found.length > 0 ? found : undefined;
      });
      expect(listed).toMatchObject([{ name, owner, providerId: created.providerId }]);
      const lines = await Array.fromAsync(provider.logs(running, { tail: 5, follow: false }, context()));
      expect(lines.length).toBeGreaterThan(0);
    } finally {
      await endEverything(name);
    }
  });
});
