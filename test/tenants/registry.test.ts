import { describe, expect, it } from "vitest";
import { hashToken } from "../../src/auth/index.ts";
import { type ClientsOptions, createClients } from "../../src/tenants/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { memoryStore } from "../../src/stores/memory/index.ts";
import { hostileValues } from "../auth/arbitraries.ts";
import { clientsScene, encryptionKey, errorOf, requestWith } from "./scene.ts";

describe("a new client", () => {
  it("is told its credential once, and only the hash is stored", async () => {
    const { clients, store } = clientsScene();
    const { client, credential } = await clients.create("acme", { providerKeys: { mock: "secret-key" } });
    expect(credential).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const [stored] = await store.listClients("default");
    expect(stored?.credentials).toEqual([{ hash: hashToken(credential), expiresAt: null }]);
    expect(JSON.stringify([stored, client, await clients.list()])).not.toMatch(
      new RegExp(`${credential}|secret-key`),
    );
  });

  it("is listed by name, with what it can do and without any secret", async () => {
    const { clients, clock } = clientsScene();
    await clients.create("beta");
    await clients.create("acme", { providerKeys: { mock: "key" } });
    expect(await clients.list()).toEqual([
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

  it("needs a name that nobody has", async () => {
    const { clients } = clientsScene();
    await clients.create("acme");
    await expect(clients.create("acme")).rejects.toEqual(errorOf("CONFLICT"));
    expect((await clients.list()).length).toBe(1);
  });

  it.each(["", " acme", "-acme", "a/b", "a".repeat(64), "é", "acme\n", 7])(
    "cannot be called %j",
    async (name) => {
      const { clients } = clientsScene();
      await expect(clients.create(name as string)).rejects.toEqual(errorOf("VALIDATION"));
    },
  );

  it.each([
    ["no key", { mock: "" }],
    ["a line break behind the key", { mock: "secret-key\n" }],
    ["two lines", { mock: "secret-key\nmore" }],
    ["a key that is too long", { mock: "secret-key".repeat(1000) }],
    ["a provider that is none", { "No Provider": "secret-key" }],
  ])("cannot have %s, and the refusal does not show it", async (_, providerKeys) => {
    const { clients } = clientsScene();
    const creating = clients.create("acme", { providerKeys });
    await expect(creating).rejects.toEqual(errorOf("VALIDATION"));
    await expect(creating).rejects.not.toThrow("secret-key");
    expect(await clients.list()).toEqual([]);
  });
});

describe("authenticate", () => {
  it("knows a client by its credential, whatever the case of the scheme", async () => {
    const { clients } = clientsScene();
    const { client, credential } = await clients.create("acme");
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const found = await clients.authenticate(requestWith(`${scheme} ${credential}`));
      expect(found?.id).toBe(client.id);
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

  it.each(wrong)("refuses everybody else where it is strict: %j", async (authorization) => {
    const { clients } = clientsScene();
    await clients.create("acme");
    await expect(clients.authenticate(requestWith(authorization))).rejects.toEqual(errorOf("UNAUTHORIZED"));
  });

  it.each(wrong)("only says so where it recognises: %j", async (authorization) => {
    const { clients } = clientsScene({ mode: "recognise" });
    await clients.create("acme");
    expect(await clients.authenticate(requestWith(authorization))).toBeNull();
  });

  it("knows clients where it only recognises", async () => {
    const { clients } = clientsScene({ mode: "recognise" });
    const { credential } = await clients.create("acme");
    expect((await clients.authenticate(requestWith(`Bearer ${credential}`)))?.name).toBe("acme");
  });

  it.each(["strict", "recognise"] as const)(
    "lets nobody in, and refuses nobody, while the store is down: %s",
    async (mode) => {
      const store = memoryStore();
      const { clients } = clientsScene({ mode, store });
      const { credential } = await clients.create("acme");
      store.getClientByHash = async () => {
        throw new AtlasError("STORE_UNAVAILABLE", "The database is gone");
      };
      const calling = clients.authenticate(requestWith(`Bearer ${credential}`));
      await expect(calling).rejects.toEqual(errorOf("STORE_UNAVAILABLE"));
    },
  );

  it("notes when a client was last used, to the minute", async () => {
    const { clients, clock, store } = clientsScene();
    const { credential } = await clients.create("acme");
    const call = () => clients.authenticate(requestWith(`Bearer ${credential}`));
    const start = clock.now();
    expect((await call())?.lastUsedAt).toEqual(start);
    await clock.advance(59);
    expect((await call())?.lastUsedAt).toEqual(start);
    expect((await store.listClients("default"))[0]?.version).toBe(2);
    await clock.advance(1);
    expect((await call())?.lastUsedAt).toEqual(clock.now());
  });
});

describe("rotate", () => {
  it("lets the old credential in until the overlap is over", async () => {
    const { clients, clock } = clientsScene();
    const { credential: old } = await clients.create("acme");
    const { credential, client } = await clients.rotate("acme", { overlapSeconds: 60 });
    expect(client.credentials).toBe(2);
    const isKnown = async (candidate: string): Promise<boolean> =>
      clients.authenticate(requestWith(`Bearer ${candidate}`)).then(
        () => true,
        () => false,
      );
    await clock.advance(59.999);
    expect([await isKnown(old), await isKnown(credential)]).toEqual([true, true]);
    await clock.advance(0.001);
    expect([await isKnown(old), await isKnown(credential)]).toEqual([false, true]);
    expect((await clients.list())[0]?.credentials).toBe(1);
  });

  it("does not cut off who still uses the first credential when it is rotated twice, and prolongs nothing", async () => {
    const { clients, clock } = clientsScene();
    const { credential: first } = await clients.create("acme");
    await clients.rotate("acme", { overlapSeconds: 60 });
    await clock.advance(30);
    await clients.rotate("acme", { overlapSeconds: 3600 });
    expect((await clients.authenticate(requestWith(`Bearer ${first}`)))?.credentials).toBe(3);
    await clock.advance(30);
    await expect(clients.authenticate(requestWith(`Bearer ${first}`))).rejects.toEqual(
      errorOf("UNAUTHORIZED"),
    );
  });

  it("ends the old credential at once without an overlap", async () => {
    const { clients } = clientsScene();
    const { credential } = await clients.create("acme");
    await clients.rotate("acme", { overlapSeconds: 0 });
    await expect(clients.authenticate(requestWith(`Bearer ${credential}`))).rejects.toEqual(
      errorOf("UNAUTHORIZED"),
    );
  });

  it("loses no credential when many rotate at once", async () => {
    const { clients } = clientsScene();
    await clients.create("acme");
    const rotations = await Promise.all(Array.from({ length: 10 }, () => clients.rotate("acme")));
    for (const { credential } of rotations)
      expect((await clients.authenticate(requestWith(`Bearer ${credential}`)))?.name).toBe("acme");
  });

  it("refuses an unknown client and an overlap that is none", async () => {
    const { clients } = clientsScene();
    await clients.create("acme");
    await expect(clients.rotate("nobody")).rejects.toEqual(errorOf("NOT_FOUND"));
    for (const overlapSeconds of [-1, 1.5, 2_592_001])
      await expect(clients.rotate("acme", { overlapSeconds })).rejects.toEqual(errorOf("VALIDATION"));
  });
});

describe("revoke", () => {
  it("ends every credential at once, and a rotation lets the client in again", async () => {
    const { clients } = clientsScene();
    const { credential: first } = await clients.create("acme");
    const { credential: second } = await clients.rotate("acme");
    expect((await clients.revoke("acme")).credentials).toBe(0);
    for (const credential of [first, second])
      await expect(clients.authenticate(requestWith(`Bearer ${credential}`))).rejects.toEqual(
        errorOf("UNAUTHORIZED"),
      );
    const { credential } = await clients.rotate("acme");
    expect((await clients.authenticate(requestWith(`Bearer ${credential}`)))?.credentials).toBe(1);
  });

  it("refuses an unknown client", async () => {
    await expect(clientsScene().clients.revoke("nobody")).rejects.toEqual(errorOf("NOT_FOUND"));
  });
});

describe("createClients", () => {
  const store = memoryStore();
  const providers = {};

  it.each<[string, object]>([
    ["an unknown option", { keys: {} }],
    ["a store that knows no clients", { store: { ...memoryStore() } }],
    ["a provider that is no function", { providers: { runpod: "key" } }],
    ["a mode that is none", { mode: "off" }],
    ["a namespace that is none", { namespace: "No Namespace" }],
  ])("refuses %s", (_, options) => {
    const make = () => createClients({ store, providers, encryptionKey, ...options } as ClientsOptions);
    expect(make).toThrow(errorOf("VALIDATION"));
  });

  it.each(["", "a2V5", `${encryptionKey} `])("does not begin with the encryption key %j", (key) => {
    expect(() => createClients({ store, providers, encryptionKey: key })).toThrow(errorOf("KEY_UNAVAILABLE"));
  });

  it("hands any candidate to nobody", async () => {
    const { clients } = clientsScene();
    await clients.create("acme");
    for (const value of hostileValues) expect(await clients.atlas.findByToken(value)).toBeUndefined();
  });
});
