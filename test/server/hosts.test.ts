import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { createAtlas } from "../../src/index.ts";
import { mock } from "../../src/providers/mock/index.ts";
import { type ControlPlaneOptions, createControlPlane, createOperatorPage } from "../../src/server/index.ts";
import { deskUnderTest } from "../operator/desk.ts";
import { planeUnderTest } from "./plane.ts";

type Authorize = ControlPlaneOptions["authorize"];

const open: Authorize = () => ({ userId: "me" });
const byCookie: Authorize = ({ headers }) =>
  headers.get("cookie") === "session=me" ? { userId: "me" } : null;

/** Serves a control plane on a real socket, as a developer's machine does. */
async function served(
  options: Partial<ControlPlaneOptions>,
): Promise<(host: string, headers?: Record<string, string>) => Promise<string>> {
  const provider = mock();
  const atlas = createAtlas({
    providers: [provider],
    fetch: provider.fetch,
    controlUrl: "https://plane.example/atlas",
  });
  const handler = createControlPlane({
    ...{ atlas, authorize: open, request: () => ({ gpu: "l4", image: "server" }) },
    ...options,
  });
  const server = serve({ fetch: handler, port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return async (host, headers = {}) => {
    const named = { host, origin: `http://${host}`, "content-type": "application/json", ...headers };
    return `${await statusOf(port, named)}, ${provider.instances.length} pods`;
  };
}

function statusOf(port: number, headers: IncomingHttpHeaders): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const call = request({ port, host: "127.0.0.1", method: "POST", path: "/computes", headers });
    call.on("response", (response) => resolve(response.resume().statusCode));
    call.on("error", reject);
    call.end("{}");
  });
}

describe("a page that has pointed its own name at this machine", () => {
  test.each<[string, string, Record<string, string>]>([
    ["of its name", "evil.example:8080", {}],
    ["of a name in capitals, with a dot at its end", "EVIL.example.:8080", {}],
    ["of a name that begins like an address", "127.0.0.1.evil.example", {}],
    ["of a name that ends like ours", "not-plane.example", {}],
    ["of a name below ours", "a.plane.example", {}],
    ["with a cookie of its own", "evil.example", { cookie: "session=evil" }],
    ["with a header Authorization of its own", "evil.example", { authorization: "Bearer evil" }],
    ["that says it came over TLS", "evil.example", { "x-forwarded-proto": "https" }],
    ["that names another host as forwarded", "evil.example", { "x-forwarded-host": "localhost" }],
  ])("drives no control plane that needs no credential, by a request %s", async (_name, host, headers) => {
    const call = await served({});
    expect(await call(host, headers)).toBe("403, 0 pods");
  });

  test.each([
    "localhost:8080",
    "app.localhost",
    "127.0.0.1:8080",
    "[::1]:8080",
    "93.184.216.34",
    "gpu-box",
    "plane.example",
    "box.lan",
  ])("is not at %s, which no stranger can own", async (host) => {
    const call = await served({});
    expect(await call(host)).toBe("201, 1 pods");
  });

  test("has no credential of another name, so authorize decides where it asks for one", async () => {
    const call = await served({ authorize: byCookie });
    expect(await call("evil.example", { cookie: "session=me" })).toBe("201, 1 pods");
    expect(await call("evil.example")).toBe("401, 1 pods");
  });

  test("is refused where hosts lists others, whatever authorize asks for", async () => {
    const call = await served({ authorize: byCookie, hosts: ["app.example", "*.preview.example"] });
    const cookie = { cookie: "session=me" };
    expect(await call("evil.example", cookie)).toBe("403, 0 pods");
    expect(await call("preview.example", cookie)).toBe("403, 0 pods");
    expect(await call("app.example", cookie)).toBe("201, 1 pods");
    expect(await call("a.preview.example:81", cookie)).toBe("201, 2 pods");
  });

  test("is judged again after authorize failed", async () => {
    let calls = 0;
    const call = await served({
      authorize: () => {
        calls += 1;
        if (calls === 2) throw new Error("the session store is down");
        return { userId: "me" };
      },
    });
    expect(await call("evil.example")).toBe("201, 1 pods");
    expect(await call("evil.example")).toBe("403, 1 pods");
  });
});

test("over TLS a browser has checked the name", async () => {
  const { call } = planeUnderTest({ authorize: () => ({ userId: "ada", gpu: "l4" }) });
  expect((await call("GET", "/computes")).status).toBe(200);
});

test("a request that the application made itself names no host", async () => {
  const { handler } = planeUnderTest({ authorize: () => ({ userId: "ada", gpu: "l4" }) });
  const request = new Request("http://app.example/api/atlas/computes");
  expect((await handler(request)).status).toBe(200);
});

test("the operator page is defended, too", async () => {
  const { atlas } = deskUnderTest();
  const page = createOperatorPage({ atlas, authorize: () => ({ operator: "me", role: "act" }) });
  const statuses = ["evil.example", "localhost:3000"].map(
    async (host) => (await page(new Request(`http://${host}/`, { headers: { host } }))).status,
  );
  expect(await Promise.all(statuses)).toEqual([403, 200]);
});

test.each([
  [[]],
  [["https://app.example"]],
  [["app.example:80"]],
  [["*"]],
  [["*.app.*"]],
  [["App.example"]],
  ["app.example"],
])("hosts: %j is refused at the start", (hosts) => {
  expect(() => planeUnderTest({ hosts: hosts as string[] })).toThrow("hosts");
});
