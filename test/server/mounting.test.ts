import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { createControlPlane } from "../../src/server/index.ts";
import { ada, planeUnderTest } from "./plane.ts";

/** A plane mounted at this path. */
function handlerAt(basePath: string): (request: Request) => Promise<Response> {
  const { atlas } = planeUnderTest();
  const authorize = ({ headers }: Request): { userId: string } | null =>
    headers.get("cookie") === ada.cookie ? { userId: "ada" } : null;
  return createControlPlane({ atlas, authorize, request: () => ({ ports: [8000] }), basePath });
}

describe("the handler", () => {
  test("works as a Next route handler, which gets the whole path", async () => {
    const handler = handlerAt("/api/atlas");
    const [GET, POST] = [handler, handler];
    const created = await POST(
      new Request("https://app.example/api/atlas/computes", { method: "POST", headers: ada }),
    );
    expect(created.status).toBe(201);
    const location = new URL(created.headers.get("location") ?? "", "https://app.example/api/atlas/computes");
    expect((await GET(new Request(location, { headers: ada }))).status).toBe(200);
  });

  test("works as a resource route of React Router, called with more than the request", async () => {
    const handler = handlerAt("/api/atlas");
    const loader = ({ request }: { request: Request; params: object }): Promise<Response> => handler(request);
    const request = new Request("https://app.example/api/atlas/health");
    expect((await loader({ request, params: { "*": "health" } })).status).toBe(200);
  });

  test("works mounted in Hono, which strips its path", async () => {
    const app = new Hono();
    app.mount("/api/atlas", handlerAt(""));
    const headers = { ...ada, origin: "http://localhost" };
    const created = await app.request("/api/atlas/computes", { method: "POST", headers });
    const { id } = (await created.json()) as { id: string };
    expect((await app.request(`/api/atlas/computes/${id}`, { headers: ada })).status).toBe(200);
    expect((await app.request("/api/atlas/nothing", { headers: ada })).status).toBe(404);
  });

  test("works behind a Hono route, which keeps the path", async () => {
    const handler = handlerAt("/api/atlas");
    const app = new Hono();
    app.all("/api/atlas/*", ({ req }) => handler(req.raw));
    expect((await app.request("/api/atlas/health")).status).toBe(200);
  });

  test("works on node:http, where a path cannot climb out of its base", async () => {
    const server = serve({ fetch: handlerAt("/api/atlas"), port: 0, hostname: "127.0.0.1" });
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const statusOf = async (path: string): Promise<number> => (await fetch(`${base}${path}`)).status;
    expect(await statusOf("/api/atlas/health")).toBe(200);
    expect(await statusOf("/api/atlas/%2e%2e/health")).toBe(404);
    expect(await statusOf("/api/atlas/computes/%E0%A4%A")).toBe(401);
    server.close();
  });
});
