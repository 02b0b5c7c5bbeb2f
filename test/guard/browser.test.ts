import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Compute, createAtlas } from "../../src/index.ts";
import { local } from "../../src/providers/local/index.ts";
import { hasBrowser, launch } from "../browser/browser.ts";
import { start } from "./support/servers.ts";

const POD = fileURLToPath(new URL("support/pod.ts", import.meta.url));
const PAGE = readFileSync(new URL("support/page.html", import.meta.url));

describe.runIf(hasBrowser)("a browser on another origin", () => {
  const listed = createServer((_request, response) =>
    response.setHeader("content-type", "text/html").end(PAGE),
  );
  const other = createServer((_request, response) =>
    response.setHeader("content-type", "text/html").end(PAGE),
  );
  let folder: string;
  let browser: Browser;
  let compute: Compute;
  let page: Page;
  let stranger: Page;
  let terminate: () => Promise<unknown>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "atlas-browser-"));
    const origin = await originOf(listed);
    const atlas = createAtlas({ providers: [local({ stateDirectory: folder })] });
    compute = await atlas.spawnCompute({
      command: [process.execPath, POD],
      ports: [8000],
      env: { POD_ORIGIN: origin },
      auth: ["bearer", "signed-url"],
    });
    terminate = () => atlas.terminate(compute.id);
    await compute.waitUntilReady({ path: "/.well-known/atlas/ready" });
    browser = await launch();
    page = await open(browser, origin);
    stranger = await open(browser, await originOf(other));
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await terminate?.();
    for (const server of [listed, other]) server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const call = (from: Page, path: string, init: object): Promise<unknown> =>
    from.evaluate(`call(${JSON.stringify(compute.url(8000, path))}, ${JSON.stringify(init)})`);
  const openSocket = (url: string, ...protocols: string[]): Promise<unknown> =>
    page.evaluate(`openSocket(${JSON.stringify(url.replace(/^http/, "ws"))}, ${JSON.stringify(protocols)})`);
  const load = (name: string, url: string, event: string): Promise<unknown> =>
    page.evaluate(`load(${JSON.stringify(name)}, ${JSON.stringify(url)}, ${JSON.stringify(event)})`);
  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${compute.auth?.token}` });

  it("calls with its token after a preflight, and the server behind sees no token", async () => {
    const headers = { ...bearer(), "x-own": "1", "content-type": "application/json" };
    const answer = await call(page, "/v1?q=1", { method: "PUT", headers, body: "{}" });
    expect(answer).toMatchObject({
      status: 200,
      body: { url: "/v1?q=1", method: "PUT", headers: { "x-own": "1" } },
    });
    expect(JSON.stringify(answer)).not.toContain(compute.auth?.token);
  });

  it("can read the reason of its refusal", async () => {
    expect(await call(page, "/v1", {})).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
    const wrong = { headers: { authorization: "Bearer wrong" } };
    expect(await call(page, "/v1", wrong)).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
  });

  it("can check that the pod is ready, and that it is the right one", async () => {
    expect(await call(page, "/.well-known/atlas/ready", {})).toEqual({
      status: 200,
      body: { computeId: compute.id, status: "ready" },
    });
  });

  it("can read nothing from an origin that is not listed, even with the token", async () => {
    expect(await call(stranger, "/v1", { headers: bearer() })).toEqual({ failed: "TypeError" });
    expect(await call(stranger, "/.well-known/atlas/ready", {})).toEqual({ failed: "TypeError" });
  });

  it("opens a WebSocket with its token as a subprotocol", async () => {
    const url = compute.url(8000, "/socket");
    const opened = await openSocket(url, "atlas.v1", `atlas.bearer.${compute.auth?.token}`);
    expect(opened).toEqual({ protocol: "atlas.v1", data: "hello" });
  });

  it("opens a WebSocket by a signed URL", async () => {
    expect(await openSocket(compute.signUrl(8000, "/socket"))).toEqual({ protocol: "", data: "hello" });
  });

  it("opens no WebSocket without a credential, or with a wrong one", async () => {
    const url = compute.url(8000, "/socket");
    expect(await openSocket(url)).toEqual({ failed: "closed" });
    expect(await openSocket(url, "atlas.v1", "atlas.bearer.wrong")).toEqual({ failed: "closed" });
  });

  it.each([
    ["img", "/picture.png", "load"],
    ["video", "/sound.wav", "loadeddata"],
  ])("shows an <%s> by a signed URL, and none without", async (name, path, event) => {
    expect(await load(name, compute.signUrl(8000, path), event)).toBe("loaded");
    expect(await load(name, compute.url(8000, path), event)).toBe("failed");
    expect(await load(name, `${compute.signUrl(8000, path)}x`, event)).toBe("failed");
  });
});

async function originOf(server: Server): Promise<string> {
  return `http://127.0.0.1:${await start(server)}`;
}

async function open(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(url);
  return page;
}
