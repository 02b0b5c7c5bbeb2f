import { describe, expect, it } from "vitest";
import type { Compute } from "../../src/compute.ts";
import { newComputeId } from "../../src/internal/compute-id.ts";
import { instanceName } from "../../src/internal/names.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { sqliteStore } from "../../src/stores/sqlite/index.ts";
import { alive, errorOf, tenantsScene } from "./scene.ts";

describe("a tenant", () => {
  it("spawns on its own provider key, and its records name it", async () => {
    const { account, join, store } = tenantsScene();
    const acme = await join("acme", "key-of-acme");
    const beta = await join("beta", "key-of-beta");
    const compute = await acme.spawn();
    expect(alive(account("key-of-acme")).map(({ id }) => id)).toEqual([compute.providerId]);
    expect(alive(account("key-of-beta"))).toEqual([]);
    const snapshot = await store.get(acme.id, compute.id);
    expect(snapshot?.record.tenantId).toBe(acme.id);
    expect(await beta.atlas.listComputes()).toMatchObject({ computes: [], nextCursor: null });
  });

  it("leaves the shared store open when its client is closed", async () => {
    const { tenants, join } = tenantsScene({ store: sqliteStore(":memory:") });
    const acme = await join("acme", "key-of-acme");
    const beta = await join("beta", "key-of-beta");
    await acme.atlas.close();
    expect((await beta.atlas.listComputes()).computes).toEqual([]);
    await tenants.close();
    await expect(beta.atlas.listComputes()).rejects.toEqual(errorOf("STORE_UNAVAILABLE"));
  });

  it("neither sees nor ends nor touches another's computes, though they share an account", async () => {
    const { account, tenants, join, settle } = tenantsScene({ ownProviders: [mock()] });
    const acme = await join("acme", "shared");
    const beta = await join("beta", "shared");
    const { id, auth } = await acme.spawn();
    for (const atlas of [beta.atlas, tenants.atlas]) {
      const calls: readonly (() => Promise<unknown>)[] = [
        () => atlas.getCompute(id),
        () => atlas.touch(id),
        () => atlas.stop(id),
        () => atlas.start(id),
        () => atlas.terminate(id),
        () => atlas.rotateToken(id),
        () => atlas.revokeToken(id),
        () => atlas.recordReport(id, "status", { status: "ready" }),
        () => atlas.signUrl(id, 8000, "/"),
        () => Array.fromAsync(atlas.events(id)),
        () => Array.fromAsync(atlas.logs(id)),
      ];
      for (const call of calls) await expect(settle(call())).rejects.toEqual(errorOf("NOT_FOUND"));
      expect((await atlas.listComputes()).computes).toEqual([]);
      expect(await atlas.verifyToken(id, auth?.token)).toBe(false);
    }
    expect(await beta.atlas.findByToken(auth?.token)).toBeUndefined();
    expect(alive(account("shared")).length).toBe(1);
    expect((await acme.atlas.getCompute(id)).status).toBe("provisioning");
  });

  it("has idempotency keys and limits of its own", async () => {
    const { join } = tenantsScene({ limits: { computes: 1 } });
    const acme = await join("acme", "shared");
    const beta = await join("beta", "shared");
    const one = await acme.spawn("order-1");
    const other = await beta.spawn("order-1");
    expect(other.id).not.toBe(one.id);
    expect(other.auth?.token).toBeDefined();
    await expect(acme.spawn()).rejects.toEqual(errorOf("LIMIT_EXCEEDED"));
  });

  it("reaps its own orphans only, though all share an account and a store", async () => {
    const { account, tenants, join, settle, store } = tenantsScene();
    const acme = await join("acme", "shared");
    const beta = await join("beta", "shared");
    const compute = await acme.spawn();
    const owner = await store.identity();
    const orphanOf = (namespace: string): string =>
      account("shared").add({ name: instanceName(namespace, newComputeId()), owner }).id;
    const [ofAcme, ofBeta, ofOwn] = [orphanOf(acme.id), orphanOf(beta.id), orphanOf("default")];
    const { orphans } = await settle(beta.atlas.reap());
    expect(orphans.map(({ providerId }) => providerId)).toEqual([ofBeta]);
    const left = (): string[] => alive(account("shared")).map(({ id }) => id);
    expect(left().sort()).toEqual([compute.providerId, ofAcme, ofOwn].sort());
    await settle(tenants.atlas.reap());
    expect(left().sort()).toEqual([compute.providerId, ofOwn].sort());
  });
});

describe("the application's own Atlas", () => {
  it("reaps for every tenant, with that tenant's key, also for a revoked one", async () => {
    const { account, tenants, clock, join, settle } = tenantsScene();
    const computes: Compute[] = [];
    for (const name of ["acme", "beta", "gamma"])
      computes.push(await (await join(name, `key-of-${name}`)).spawn());
    await tenants.revoke("beta");
    await clock.advance(86_400);
    const { terminated, failed } = await settle(tenants.atlas.reap({ orphans: "ignore" }));
    expect(failed).toEqual([]);
    const ended = terminated.map(({ computeId }) => computeId);
    expect(new Set(ended)).toEqual(new Set(computes.map(({ id }) => id)));
    for (const name of ["acme", "beta", "gamma"]) expect(alive(account(`key-of-${name}`))).toEqual([]);
  });

  it("goes on reaping for the others when one tenant's key does not decrypt, and reports it", async () => {
    const { tenants, clock, join, settle, store } = tenantsScene();
    await (await join("acme", "key-of-acme")).spawn();
    const compute = await (await join("beta", "key-of-beta")).spawn();
    const [acme] = await store.listTenants("default");
    if (acme === undefined) throw new Error("acme joined");
    await store.replaceTenant({ ...acme, version: acme.version + 1, providerKeys: { mock: "enc:v1:AAAA" } });
    await clock.advance(86_400);
    const { terminated, failed } = await settle(tenants.atlas.reap({ orphans: "ignore" }));
    expect(terminated.map(({ computeId }) => computeId)).toEqual([compute.id]);
    expect(failed).toEqual([
      { provider: "mock", reason: "tenant acme", error: expect.stringMatching(/^KEY_UNAVAILABLE/) },
    ]);
  });

  it("reaps for every tenant in the background, too", async () => {
    const { account, tenants, clock, join, settle } = tenantsScene();
    await (await join("acme", "key-of-acme")).spawn();
    await clock.advance(86_400);
    const passed = Promise.withResolvers<number>();
    const reaper = tenants.atlas.startReaper({
      onReport: ({ terminated }) => passed.resolve(terminated.length),
    });
    expect(await settle(passed.promise)).toBe(1);
    await settle(reaper.stop());
    expect(alive(account("key-of-acme"))).toEqual([]);
  });

  it("finds the compute of a token among all tenants", async () => {
    const { tenants, join } = tenantsScene();
    const acme = await join("acme", "key-of-acme");
    const { id, auth } = await acme.spawn();
    expect((await tenants.atlas.findByToken(auth?.token))?.id).toBe(id);
    await acme.atlas.revokeToken(id);
    expect(await tenants.atlas.findByToken(auth?.token)).toBeUndefined();
  });

  it("places nothing without providers of its own", async () => {
    const { tenants } = tenantsScene();
    await expect(tenants.atlas.spawnCompute({ image: "app:1" })).rejects.toEqual(errorOf("UNSUPPORTED"));
  });

  it("spawns on its own providers, in its own namespace", async () => {
    const provider = mock();
    const { tenants, store } = tenantsScene({ ownProviders: [provider], namespace: "shared" });
    const { id } = await tenants.atlas.spawnCompute({ image: "app:1" });
    expect((await store.get("shared", id))?.record.tenantId).toBeNull();
    expect(provider.instances.length).toBe(1);
  });
});

describe("a provider key", () => {
  it("is sealed in the store, and never the application's own when a tenant has none", async () => {
    const { tenants, store } = tenantsScene({ ownProviders: [mock()] });
    const { tenant } = await tenants.create("acme");
    await expect(tenants.atlasFor(tenant)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    await tenants.setProviderKey("acme", "mock", "secret-key");
    const [stored] = await store.listTenants("default");
    expect(stored?.providerKeys).toEqual({ mock: expect.stringMatching(/^enc:v2:[\w-]{8}:[\w-]+$/) });
    expect((await tenants.list())[0]?.providers).toEqual(["mock"]);
  });

  it("is used from the next call on after its replacement", async () => {
    const { account, tenants, join, settle } = tenantsScene();
    const acme = await join("acme", "key-1");
    expect(await tenants.atlasFor(acme)).toBe(acme.atlas);
    await tenants.setProviderKey("acme", "mock", "key-2");
    const atlas = await tenants.atlasFor(acme);
    expect(atlas).not.toBe(acme.atlas);
    await settle(atlas.spawnCompute({ image: "app:1" }));
    expect([account("key-1"), account("key-2")].map((each) => each.instances.length)).toEqual([0, 1]);
  });

  it("does not open for another tenant, for another provider, or with another encryption key", async () => {
    const providers = { mock: () => mock(), other: () => ({ ...mock(), name: "other" }) };
    const { tenants, store } = tenantsScene({ providers });
    await tenants.create("acme", { providerKeys: { mock: "key-of-acme" } });
    await tenants.create("beta", { providerKeys: { mock: "key-of-beta" } });
    const [acme, beta] = await store.listTenants("default");
    if (acme === undefined || beta === undefined) throw new Error("both were created");
    const moved = { ...beta, version: 2, providerKeys: acme.providerKeys };
    await store.replaceTenant(moved);
    await expect(tenants.atlasFor(beta)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    await store.replaceTenant({ ...beta, version: 3, providerKeys: { other: beta.providerKeys.mock ?? "" } });
    await expect(tenants.atlasFor(beta)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    const elsewhere = tenantsScene({ store, encryptionKey: Buffer.alloc(32, 2).toString("base64") });
    await expect(elsewhere.tenants.atlasFor(acme)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    await expect(tenants.atlasFor(acme)).resolves.toBeDefined();
  });

  it("is refused for an unknown tenant", async () => {
    const { tenants } = tenantsScene();
    await expect(tenants.setProviderKey("missing", "mock", "key")).rejects.toEqual(errorOf("NOT_FOUND"));
    await expect(tenants.atlasFor({ id: "missing" })).rejects.toEqual(errorOf("NOT_FOUND"));
  });
});
