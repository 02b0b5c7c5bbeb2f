import { describe, expect, it } from "vitest";
import { createRemoteAuthenticator } from "../../src/auth/index.ts";
import { AtlasError } from "../../src/errors.ts";
import { manualClock, mock } from "../../src/providers/mock/index.ts";
import { createControlPlane } from "../../src/server/index.ts";
import type { Handler } from "../../src/tenants/index.ts";
import { serveFake } from "../fakes/serve.ts";
import { alive, errorOf, type TenantsScene, tenantsScene } from "./scene.ts";

const internalSecret = "internal-secret-of-thirty-two-characters";
const controlUrl = "https://control.example";

/** A control plane for tenants, as an application writes it. */
function planeOf({ tenants }: TenantsScene): Handler {
  return tenants.handler((atlas) =>
    createControlPlane({
      atlas,
      internalSecret,
      authorize: async (request) => {
        const tenant = await tenants.authenticate(request);
        return tenant && { userId: request.headers.get("x-user") ?? tenant.name };
      },
      request: () => ({ image: "app:1", ports: [8000] }),
    }),
  );
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Calls as a browser, a pod or a service does, with this bearer token and these headers. */
async function call(
  plane: Handler,
  target: string,
  bearer?: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const [method = "GET", path = "/"] = target.split(" ");
  const response = await plane(
    new Request(`${controlUrl}${path}`, {
      method,
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : JSON.parse(text) };
}

describe("a control plane shared by tenants", () => {
  it("lets a tenant spawn on its own key, its pod report, and rejects every other caller", async () => {
    const scene = tenantsScene({ controlUrl });
    const plane = planeOf(scene);
    const acme = await scene.join("acme", "key-of-acme");
    const beta = await scene.join("beta", "key-of-beta");

    const spawned = await scene.settle(call(plane, "POST /computes", acme.credential, { body: {} }));
    expect(spawned.status).toBe(201);
    const { id, auth } = spawned.body as { id: string; auth: { token: string } };
    const [instance] = alive(scene.account("key-of-acme"));
    const podToken = instance?.env.ATLAS_POD_TOKEN;

    expect(await call(plane, "POST /pod/status", podToken, { body: { status: "up" } })).toMatchObject({
      status: 204,
    });
    expect((await call(plane, "GET /computes", acme.credential)).body).toMatchObject({ computes: [{ id }] });
    expect((await call(plane, "GET /computes", beta.credential)).body).toMatchObject({ computes: [] });
    expect((await call(plane, `GET /computes/${id}`, beta.credential)).status).toBe(404);
    expect((await scene.settle(call(plane, `DELETE /computes/${id}`, beta.credential))).status).toBe(404);
    expect(alive(scene.account("key-of-acme")).length).toBe(1);

    for (const stranger of [undefined, "x".repeat(43), auth.token, podToken])
      expect((await call(plane, `GET /computes/${id}`, stranger)).status).toBe(401);
    for (const stranger of [undefined, "x".repeat(43), auth.token, acme.credential])
      expect((await call(plane, "POST /pod/status", stranger, { body: { status: "up" } })).status).toBe(401);
  });

  it("verifies the token of any tenant's compute, and reaps for all, with the internal secret", async () => {
    const scene = tenantsScene({ controlUrl });
    const plane = planeOf(scene);
    const acme = await scene.join("acme", "key-of-acme");
    const { id, auth } = await acme.spawn();
    await using served = await serveFake(plane);
    const { verify } = createRemoteAuthenticator({
      url: `${served.url}/internal/verify`,
      secret: internalSecret,
    });
    expect(await verify(auth?.token)).toEqual({
      computeId: id,
      userId: "ann",
      tenantId: acme.id,
      status: "provisioning",
    });
    await expect(verify("x".repeat(43))).rejects.toEqual(errorOf("UNAUTHORIZED"));
    const misled = createRemoteAuthenticator({
      url: `${served.url}/internal/verify`,
      secret: "x".repeat(32),
    });
    await expect(misled.verify(auth?.token)).rejects.toEqual(errorOf("UNAVAILABLE"));

    await scene.clock.advance(86_400);
    const reaping = call(plane, "POST /internal/reap", undefined, {
      headers: { "x-internal-secret": internalSecret },
    });
    expect((await scene.settle(reaping)).body).toMatchObject({ terminated: [{ computeId: id }] });
    expect(alive(scene.account("key-of-acme"))).toEqual([]);
  });

  it("answers 401 at once to a revoked tenant, whose pods go on reporting", async () => {
    const scene = tenantsScene({ controlUrl });
    const plane = planeOf(scene);
    const acme = await scene.join("acme", "key-of-acme");
    await acme.spawn();
    const podToken = alive(scene.account("key-of-acme"))[0]?.env.ATLAS_POD_TOKEN;
    await scene.tenants.revoke("acme");
    expect((await call(plane, "GET /computes", acme.credential)).status).toBe(401);
    expect((await call(plane, "POST /pod/status", podToken, { body: { status: "up" } })).status).toBe(204);
  });

  it("serves other callers on the application's own providers when it only recognises tenants", async () => {
    const clock = manualClock();
    const own = mock({ clock });
    const scene = tenantsScene({ clock, mode: "recognise", ownProviders: [own] });
    const { tenants } = scene;
    const plane = tenants.handler((atlas) =>
      createControlPlane({
        atlas,
        authorize: async (request) => {
          const tenant = await tenants.authenticate(request);
          const session = request.headers.get("cookie");
          if (tenant !== null) return { userId: tenant.name };
          return session === null ? null : { userId: session };
        },
        request: () => ({ image: "app:1" }),
      }),
    );
    const acme = await scene.join("acme", "key-of-acme");
    const headers = { cookie: "session-of-ann", origin: controlUrl };
    const spawned = await scene.settle(call(plane, "POST /computes", undefined, { body: {}, headers }));
    expect([spawned.status, spawned.body.userId]).toEqual([201, "session-of-ann"]);
    await scene.settle(call(plane, "POST /computes", acme.credential, { body: {} }));
    expect([alive(own).length, alive(scene.account("key-of-acme")).length]).toEqual([1, 1]);
    expect((await call(plane, "GET /computes")).status).toBe(401);
  });

  it("takes no compute's token for a credential of its tenant, also beside a session", async () => {
    const clock = manualClock();
    const own = mock({ clock });
    const scene = tenantsScene({ clock, mode: "recognise", ownProviders: [own], controlUrl });
    const { tenants } = scene;
    const plane = tenants.handler((atlas) =>
      createControlPlane({
        atlas,
        authorize: async (request) => {
          const tenant = await tenants.authenticate(request);
          const userId = tenant?.name ?? request.headers.get("cookie");
          return userId === null ? null : { userId };
        },
        request: () => ({ image: "app:1", ports: [8000] }),
      }),
    );
    const acme = await scene.join("acme", "key-of-acme");
    const { auth } = await acme.spawn();
    const podToken = alive(scene.account("key-of-acme"))[0]?.env.ATLAS_POD_TOKEN;
    const headers = { cookie: "mallory", origin: controlUrl };
    for (const token of [auth?.token, podToken]) {
      const spawned = await scene.settle(call(plane, "POST /computes", token, { body: {}, headers }));
      expect([spawned.status, spawned.body.tenantId]).toEqual([201, null]);
    }
    expect([alive(own).length, alive(scene.account("key-of-acme")).length]).toEqual([2, 1]);
  });

  it("names the tenant beside a user, so that no tenant's user passes for another's", async () => {
    const scene = tenantsScene({ controlUrl });
    const plane = planeOf(scene);
    const acme = await scene.join("acme", "key-of-acme");
    const headers = { "x-user": "admin@application" };
    const spawned = await scene.settle(call(plane, "POST /computes", acme.credential, { body: {}, headers }));
    const { auth } = spawned.body as { auth: { token: string } };
    const body = { token: auth.token };
    const secret = { "x-internal-secret": internalSecret };
    const verified = await call(plane, "POST /internal/verify", undefined, { body, headers: secret });
    expect(verified.body).toMatchObject({ userId: "admin@application", tenantId: acme.id });
    expect((await scene.tenants.atlas.findByToken(auth.token))?.tenantId).toBe(acme.id);
  });

  it("ends the event streams of every tenant when the process is to end", async () => {
    const scene = tenantsScene({ controlUrl });
    const plane = scene.tenants.handler((atlas) =>
      createControlPlane({ atlas, authorize: () => ({ userId: "ann" }), request: () => ({}) }),
    );
    const acme = await scene.join("acme", "key-of-acme");
    const { id } = await acme.spawn();
    const headers = { authorization: `Bearer ${acme.credential}` };
    const response = await plane(new Request(`${controlUrl}/computes/${id}/events`, { headers }));
    const text = response.text();
    plane.closeStreams();
    expect(await text).toContain(": connected");
  });

  it("answers 503 while the store is down, never 401, and admits no caller", async () => {
    const scene = tenantsScene();
    const plane = planeOf(scene);
    const { credential } = await scene.join("acme", "key-of-acme");
    scene.store.getTenantByHash = async () => {
      throw new AtlasError("STORE_UNAVAILABLE", "The database is gone");
    };
    for (const bearer of [credential, "x".repeat(43)]) {
      const { status, body } = await call(plane, "GET /computes", bearer);
      expect([status, body.code]).toEqual([503, "STORE_UNAVAILABLE"]);
    }
  });

  it("answers 503 KEY_UNAVAILABLE to a tenant without a provider key", async () => {
    const scene = tenantsScene();
    const { credential } = await scene.tenants.create("acme");
    const { status, body } = await call(planeOf(scene), "POST /computes", credential, { body: {} });
    expect([status, body.code]).toEqual([503, "KEY_UNAVAILABLE"]);
  });

  it("makes one handler for each tenant, and another after its key was replaced", async () => {
    const { tenants, join } = tenantsScene();
    let made = 0;
    const handler = tenants.handler(() => {
      made += 1;
      const own = made;
      return async () => new Response(String(own));
    });
    const acme = await join("acme", "key-1");
    const ask = async (bearer?: string): Promise<unknown> => (await call(handler, "GET /", bearer)).body;
    expect([await ask(), await ask(acme.credential), await ask(acme.credential), await ask()]).toEqual([
      1, 2, 2, 1,
    ]);
    await tenants.setProviderKey("acme", "mock", "key-2");
    expect(await ask(acme.credential)).toBe(3);
  });
});
