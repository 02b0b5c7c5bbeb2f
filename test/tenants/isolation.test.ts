import { describe, expect, it } from "vitest";
import type { Compute } from "../../src/compute.ts";
import { instanceName, newComputeId } from "../../src/internal/names.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { alive, clientsScene, errorOf } from "./scene.ts";

describe("a client", () => {
  it("spawns on its own provider key, and its records say whose they are", async () => {
    const { account, join, store } = clientsScene();
    const acme = await join("acme", "key-of-acme");
    const beta = await join("beta", "key-of-beta");
    const compute = await acme.spawn();
    expect(alive(account("key-of-acme")).map(({ id }) => id)).toEqual([compute.providerId]);
    expect(alive(account("key-of-beta"))).toEqual([]);
    const snapshot = await store.get(acme.id, compute.id);
    expect(snapshot?.record.clientId).toBe(acme.id);
    expect(await beta.atlas.listComputes()).toMatchObject({ computes: [], nextCursor: null });
  });

  it("neither sees nor ends nor touches what another has, though they share an account", async () => {
    const { account, clients, join, settle } = clientsScene({ ownProviders: [mock()] });
    const acme = await join("acme", "shared");
    const beta = await join("beta", "shared");
    const { id, auth } = await acme.spawn();
    for (const atlas of [beta.atlas, clients.atlas]) {
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
    const { join } = clientsScene({ limits: { computes: 1 } });
    const acme = await join("acme", "shared");
    const beta = await join("beta", "shared");
    const one = await acme.spawn("order-1");
    const other = await beta.spawn("order-1");
    expect(other.id).not.toBe(one.id);
    expect(other.auth?.token).toBeDefined();
    await expect(acme.spawn()).rejects.toEqual(errorOf("LIMIT_EXCEEDED"));
  });

  it("reaps its own orphans only, though all share an account and a store", async () => {
    const { account, clients, join, settle, store } = clientsScene();
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
    await settle(clients.atlas.reap());
    expect(left().sort()).toEqual([compute.providerId, ofOwn].sort());
  });
});

describe("the application's own Atlas", () => {
  it("reaps for every client, with that client's key, also for a revoked one", async () => {
    const { account, clients, clock, join, settle } = clientsScene();
    const computes: Compute[] = [];
    for (const name of ["acme", "beta", "gamma"])
      computes.push(await (await join(name, `key-of-${name}`)).spawn());
    await clients.revoke("beta");
    await clock.advance(86_400);
    const { terminated, failed } = await settle(clients.atlas.reap({ orphans: false }));
    expect(failed).toEqual([]);
    const ended = terminated.map(({ computeId }) => computeId);
    expect(new Set(ended)).toEqual(new Set(computes.map(({ id }) => id)));
    for (const name of ["acme", "beta", "gamma"]) expect(alive(account(`key-of-${name}`))).toEqual([]);
  });

  it("goes on reaping for the others when one client's key does not decrypt, and says so", async () => {
    const { clients, clock, join, settle, store } = clientsScene();
    await (await join("acme", "key-of-acme")).spawn();
    const compute = await (await join("beta", "key-of-beta")).spawn();
    const [acme] = await store.listClients("default");
    if (acme === undefined) throw new Error("acme joined");
    await store.replaceClient({ ...acme, version: acme.version + 1, providerKeys: { mock: "enc:v1:AAAA" } });
    await clock.advance(86_400);
    const { terminated, failed } = await settle(clients.atlas.reap({ orphans: false }));
    expect(terminated.map(({ computeId }) => computeId)).toEqual([compute.id]);
    expect(failed).toEqual([
      { provider: "mock", reason: "client acme", error: expect.stringMatching(/^KEY_UNAVAILABLE/) },
    ]);
  });

  it("reaps for every client in the background, too", async () => {
    const { account, clients, clock, join, settle } = clientsScene();
    await (await join("acme", "key-of-acme")).spawn();
    await clock.advance(86_400);
    const passed = Promise.withResolvers<number>();
    const reaper = clients.atlas.startReaper({
      onReport: ({ terminated }) => passed.resolve(terminated.length),
    });
    expect(await settle(passed.promise)).toBe(1);
    await settle(reaper[Symbol.asyncDispose]());
    expect(alive(account("key-of-acme"))).toEqual([]);
  });

  it("finds whose a token is, among all clients", async () => {
    const { clients, join } = clientsScene();
    const acme = await join("acme", "key-of-acme");
    const { id, auth } = await acme.spawn();
    expect((await clients.atlas.findByToken(auth?.token))?.id).toBe(id);
    await acme.atlas.revokeToken(id);
    expect(await clients.atlas.findByToken(auth?.token)).toBeUndefined();
  });

  it("places nothing without providers of its own", async () => {
    const { clients } = clientsScene();
    await expect(clients.atlas.spawnCompute({ image: "app:1" })).rejects.toEqual(errorOf("CAPACITY"));
  });

  it("spawns on its own providers where it has some, in its own namespace", async () => {
    const provider = mock();
    const { clients, store } = clientsScene({ ownProviders: [provider], namespace: "shared" });
    const { id } = await clients.atlas.spawnCompute({ image: "app:1" });
    expect((await store.get("shared", id))?.record.clientId).toBeNull();
    expect(provider.instances.length).toBe(1);
  });
});

describe("a provider key", () => {
  it("is sealed in the store, and never the application's own when a client has none", async () => {
    const { clients, store } = clientsScene({ ownProviders: [mock()] });
    const { client } = await clients.create("acme");
    await expect(clients.atlasFor(client)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    await clients.setProviderKey("acme", "mock", "secret-key");
    const [stored] = await store.listClients("default");
    expect(stored?.providerKeys).toEqual({ mock: expect.stringMatching(/^enc:v1:[\w-]+$/) });
    expect((await clients.list())[0]?.providers).toEqual(["mock"]);
  });

  it("is used from the next call on when it was exchanged", async () => {
    const { account, clients, join, settle } = clientsScene();
    const acme = await join("acme", "key-1");
    expect(await clients.atlasFor(acme)).toBe(acme.atlas);
    await clients.setProviderKey("acme", "mock", "key-2");
    const atlas = await clients.atlasFor(acme);
    expect(atlas).not.toBe(acme.atlas);
    await settle(atlas.spawnCompute({ image: "app:1" }));
    expect([account("key-1"), account("key-2")].map((each) => each.instances.length)).toEqual([0, 1]);
  });

  it("does not open for another client, for another provider, or with another encryption key", async () => {
    const providers = { mock: () => mock(), other: () => ({ ...mock(), name: "other" }) };
    const { clients, store } = clientsScene({ providers });
    await clients.create("acme", { providerKeys: { mock: "key-of-acme" } });
    await clients.create("beta", { providerKeys: { mock: "key-of-beta" } });
    const [acme, beta] = await store.listClients("default");
    if (acme === undefined || beta === undefined) throw new Error("both were created");
    const moved = { ...beta, version: 2, providerKeys: acme.providerKeys };
    await store.replaceClient(moved);
    await expect(clients.atlasFor(beta)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    await store.replaceClient({ ...beta, version: 3, providerKeys: { other: beta.providerKeys.mock ?? "" } });
    await expect(clients.atlasFor(beta)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    const elsewhere = clientsScene({ store, encryptionKey: Buffer.alloc(32, 2).toString("base64") });
    await expect(elsewhere.clients.atlasFor(acme)).rejects.toEqual(errorOf("KEY_UNAVAILABLE"));
    await expect(clients.atlasFor(acme)).resolves.toBeDefined();
  });

  it("is refused for an unknown client", async () => {
    const { clients } = clientsScene();
    await expect(clients.setProviderKey("nobody", "mock", "key")).rejects.toEqual(errorOf("NOT_FOUND"));
    await expect(clients.atlasFor({ id: "nobody" })).rejects.toEqual(errorOf("NOT_FOUND"));
  });
});
