import { describe, expect, it } from "vitest";
import type { CallContext, Candidate, CreateRequest } from "../../src/provider.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";

const context: CallContext = { signal: new AbortController().signal, requestTimeoutSeconds: 5 };

function request(name: string, candidate: Candidate = {}): CreateRequest {
  const placement = { gpus: [], gpuCount: 1, regions: [], metadata: {}, options: undefined };
  const ports = [{ internal: 8000, protocol: "http" }] as const;
  return { ...placement, ports, name, owner: "owner-1", env: { SECRET: "s3cret" }, candidate };
}

describe("a mock's instances", () => {
  it("show the injected env in clear, and the provider's answer shows it redacted", async () => {
    const provider = mock();
    const created = await provider.create(request("atlas-a-1"), context);
    expect(provider.instances[0]).toMatchObject({ id: created.providerId, name: "atlas-a-1", env: { SECRET: "s3cret" } });
    expect(created.raw).toMatchObject({ env: { SECRET: "[redacted]" } });
  });

  it("boot in bootSeconds", async () => {
    const clock = manualClock();
    const provider = mock({ clock, bootSeconds: 30 });
    const { providerId, name } = await provider.create(request("atlas-a-1"), context);
    await clock.advance(29);
    expect(await provider.get({ name, providerId }, context)).toMatchObject({ status: "provisioning" });
    await clock.advance(1);
    expect(await provider.get({ name, providerId }, context)).toMatchObject({ status: "running" });
  });
});
