import { describe, expect, it } from "vitest";
import { hashToken } from "../../src/auth/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { memoryStore } from "../../src/stores/memory/index.ts";
import { createTenants, type TenantsOptions } from "../../src/tenants/index.ts";
import { hostileValues } from "../auth/arbitraries.ts";
import { encryptionKey, errorOf, requestWith, tenantsScene } from "./scene.ts";

describe("a new tenant", () => {
  it("gets its credential once, and only the hash is stored", async () => {
    const { tenants, store } = tenantsScene();
    const { tenant, credential } = await tenants.create("acme", { providerKeys: { mock: "secret-key" } });
    expect(credential).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const [stored] = await store.listTenants("default");
    expect(stored?.credentials).toEqual([{ hash: hashToken(credential), expiresAt: null }]);
    expect(JSON.stringify([stored, tenant, await tenants.list()])).not.toMatch(
      new RegExp(`${credential}|secret-key`),
    );
  });

  it("is listed by name, without any secret", async () => {
    const { tenants, clock } = tenantsScene();
    await tenants.create("beta");
    await tenants.create("acme", { providerKeys: { mock: "key" } });
    expect(await tenants.list()).toEqual([
      {
        id: expect.stringMatching(/^c[0-9a-z]{19}$/),
        name: "acme",
        credentials: 1,
        providers: ["mock"],
        createdAt: clock.now(),
        lastUsedAt: null,
      },
      expect.objectContaining({ name: "beta", credentials: 1, providers: [] }),
    ]);
  });

  it("needs a name that no other tenant has", async () => {
    const { tenants } = tenantsScene();
    await tenants.create("acme");
    await expect(tenants.create("acme")).rejects.toEqual(errorOf("CONFLICT"));
    expect((await tenants.list()).length).toBe(1);
  });

  it.each(["", " acme", "-acme", "a/b", "a".repeat(64), "é", "acme\n", 7])(
    "cannot be called %j",
    async (name) => {
      const { tenants } = tenantsScene();
      await expect(tenants.create(name as string)).rejects.toEqual(errorOf("VALIDATION"));
    },
  );

  it.each([
    ["no key", { mock: "" }],
    ["a line break behind the key", { mock: "secret-key\n" }],
    ["two lines", { mock: "secret-key\nmore" }],
    ["a key that is too long", { mock: "secret-key".repeat(1000) }],
    ["an invalid provider name", { "No Provider": "secret-key" }],
  ])("cannot have %s, and the refusal does not show it", async (_, providerKeys) => {
    const { tenants } = tenantsScene();
    const creating = tenants.create("acme", { providerKeys });
    await expect(creating).rejects.toEqual(errorOf("VALIDATION"));
    await expect(creating).rejects.not.toThrow("secret-key");
    expect(await tenants.list()).toEqual([]);
  });
});

describe("authenticate", () => {
  it("knows a tenant by its credential, whatever the case of the scheme", async () => {
    const { tenants } = tenantsScene();
    const { tenant, credential } = await tenants.create("acme");
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const found = await tenants.authenticate(requestWith(`${scheme} ${credential}`));
      expect(found?.id).toBe(tenant.id);
    }
  });

  const wrong = [
    "",
    "Bearer",
    "Bearer ",
    "Basic YTpi",
    `Bearer ${"a".repeat(43)}`,
    `Bearer ${"a".repeat(20_000)}`,
  ];

  it.each(wrong)("rejects every other caller in the strict mode: %j", async (authorization) => {
    const { tenants } = tenantsScene();
    await tenants.create("acme");
    await expect(tenants.authenticate(requestWith(authorization))).rejects.toEqual(errorOf("UNAUTHORIZED"));
  });

  it.each(wrong)("returns null for every other caller when it only recognises: %j", async (authorization) => {
    const { tenants } = tenantsScene({ mode: "recognise" });
    await tenants.create("acme");
    expect(await tenants.authenticate(requestWith(authorization))).toBeNull();
  });

  it("knows tenants when it only recognises", async () => {
    const { tenants } = tenantsScene({ mode: "recognise" });
    const { credential } = await tenants.create("acme");
    expect((await tenants.authenticate(requestWith(`Bearer ${credential}`)))?.name).toBe("acme");
  });

  it.each(["strict", "recognise"] as const)(
    "neither admits nor rejects a caller while the store is down: %s",
    async (mode) => {
      const store = memoryStore();
      const { tenants } = tenantsScene({ mode, store });
      const { credential } = await tenants.create("acme");
      store.getTenantByHash = async () => {
        throw new AtlasError("STORE_UNAVAILABLE", "The database is gone");
      };
      const calling = tenants.authenticate(requestWith(`Bearer ${credential}`));
      await expect(calling).rejects.toEqual(errorOf("STORE_UNAVAILABLE"));
    },
  );

  it("records the last use of a tenant, to the minute", async () => {
    const { tenants, clock, store } = tenantsScene();
    const { credential } = await tenants.create("acme");
    const call = () => tenants.authenticate(requestWith(`Bearer ${credential}`));
    const start = clock.now();
    expect((await call())?.lastUsedAt).toEqual(start);
    await clock.advance(59);
    expect((await call())?.lastUsedAt).toEqual(start);
    expect((await store.listTenants("default"))[0]?.version).toBe(2);
    await clock.advance(1);
    expect((await call())?.lastUsedAt).toEqual(clock.now());
  });
});

describe("rotate", () => {
  it("lets the old credential in until the overlap is over", async () => {
    const { tenants, clock } = tenantsScene();
    const { credential: old } = await tenants.create("acme");
    const { credential, tenant } = await tenants.rotate("acme", { overlapSeconds: 60 });
    expect(tenant.credentials).toBe(2);
    const isKnown = async (candidate: string): Promise<boolean> =>
      tenants.authenticate(requestWith(`Bearer ${candidate}`)).then(
        () => true,
        () => false,
      );
    await clock.advance(59.999);
    expect([await isKnown(old), await isKnown(credential)]).toEqual([true, true]);
    await clock.advance(0.001);
    expect([await isKnown(old), await isKnown(credential)]).toEqual([false, true]);
    expect((await tenants.list())[0]?.credentials).toBe(1);
  });

  it("keeps the first credential valid through a second rotation, and prolongs nothing", async () => {
    const { tenants, clock } = tenantsScene();
    const { credential: first } = await tenants.create("acme");
    await tenants.rotate("acme", { overlapSeconds: 60 });
    await clock.advance(30);
    await tenants.rotate("acme", { overlapSeconds: 3600 });
    expect((await tenants.authenticate(requestWith(`Bearer ${first}`)))?.credentials).toBe(3);
    await clock.advance(30);
    await expect(tenants.authenticate(requestWith(`Bearer ${first}`))).rejects.toEqual(
      errorOf("UNAUTHORIZED"),
    );
  });

  it("ends the old credential at once without an overlap", async () => {
    const { tenants } = tenantsScene();
    const { credential } = await tenants.create("acme");
    await tenants.rotate("acme", { overlapSeconds: 0 });
    await expect(tenants.authenticate(requestWith(`Bearer ${credential}`))).rejects.toEqual(
      errorOf("UNAUTHORIZED"),
    );
  });

  it("loses no credential when many rotate at once", async () => {
    const { tenants, settle } = tenantsScene();
    await tenants.create("acme");
    const rotations = await settle(Promise.all(Array.from({ length: 10 }, () => tenants.rotate("acme"))));
    for (const { credential } of rotations)
      expect((await tenants.authenticate(requestWith(`Bearer ${credential}`)))?.name).toBe("acme");
  });

  it("refuses an unknown tenant and an invalid overlap", async () => {
    const { tenants } = tenantsScene();
    await tenants.create("acme");
    await expect(tenants.rotate("missing")).rejects.toEqual(errorOf("NOT_FOUND"));
    for (const overlapSeconds of [-1, 1.5, 2_592_001])
      await expect(tenants.rotate("acme", { overlapSeconds })).rejects.toEqual(errorOf("VALIDATION"));
  });
});

describe("revoke", () => {
  it("ends every credential at once, and a rotation gives the tenant access again", async () => {
    const { tenants } = tenantsScene();
    const { credential: first } = await tenants.create("acme");
    const { credential: second } = await tenants.rotate("acme");
    expect((await tenants.revoke("acme")).credentials).toBe(0);
    for (const credential of [first, second])
      await expect(tenants.authenticate(requestWith(`Bearer ${credential}`))).rejects.toEqual(
        errorOf("UNAUTHORIZED"),
      );
    const { credential } = await tenants.rotate("acme");
    expect((await tenants.authenticate(requestWith(`Bearer ${credential}`)))?.credentials).toBe(1);
  });

  it("refuses an unknown tenant", async () => {
    await expect(tenantsScene().tenants.revoke("missing")).rejects.toEqual(errorOf("NOT_FOUND"));
  });
});

describe("createTenants", () => {
  const store = memoryStore();
  const providers = {};

  it.each<[string, object]>([
    ["an unknown option", { keys: {} }],
    ["a store without tenants", { store: { ...memoryStore() } }],
    ["a provider that is not a function", { providers: { runpod: "key" } }],
    ["an unknown mode", { mode: "off" }],
    ["an invalid namespace", { namespace: "No Namespace" }],
  ])("refuses %s", (_, options) => {
    const make = () => createTenants({ store, providers, encryptionKey, ...options } as TenantsOptions);
    expect(make).toThrow(errorOf("VALIDATION"));
  });

  it.each(["", "a2V5", `${encryptionKey} `])("does not begin with the encryption key %j", (key) => {
    expect(() => createTenants({ store, providers, encryptionKey: key })).toThrow(errorOf("KEY_UNAVAILABLE"));
  });

  it("finds no compute for an invalid candidate", async () => {
    const { tenants } = tenantsScene();
    await tenants.create("acme");
    for (const value of hostileValues) expect(await tenants.atlas.findByToken(value)).toBeUndefined();
  });
});
