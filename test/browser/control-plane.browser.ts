/** A control plane whose user is signed in by a cookie or by Basic: its own page changes computes, and no page of another origin does. */
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Atlas, createAtlas } from "../../src/index.ts";
import { type MockProvider, mock } from "../../src/providers/mock/index.ts";
import { createControlPlane } from "../../src/server/index.ts";
import { start } from "../guard/support/servers.ts";
import { hasBrowser, launch } from "./browser.ts";
import { type Edge, edgeOf, makeCertificate } from "./https.ts";

const BASIC = `Basic ${Buffer.from("ada:secret").toString("base64")}`;

/** Scripts of an attacking page; `target` is the address of `POST /computes`. */
const ATTACKS: readonly (readonly [name: string, script: string])[] = [
  ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"].flatMap(
    (type) =>
      [
        [`posts a form as ${type}`, posted(type, '{"plan":"pro"}')],
        [`posts an empty form as ${type}`, posted(type, "")],
      ] as const,
  ),
  ["posts JSON with fetch", fetched('{ headers: { "content-type": "application/json" }, body: "{}" }')],
  ["posts text with fetch", fetched('{ mode: "no-cors", body: "{}" }')],
  ["posts nothing with fetch", fetched('{ mode: "no-cors" }')],
  [
    "posts with a beacon",
    'new Promise((resolve) => { navigator.sendBeacon(target, "{}"); setTimeout(() => resolve("sent"), 300); })',
  ],
];

function posted(type: string, value: string): string {
  return `new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.name = "target";
    const form = document.createElement("form");
    Object.assign(form, { action: target, method: "post", enctype: "${type}", target: "target" });
    const field = ${JSON.stringify(value)};
    if (field !== "") form.append(Object.assign(document.createElement("input"), { name: field, value: "" }));
    document.body.append(frame, form);
    frame.onload = () => setTimeout(() => resolve("sent"), 200);
    form.submit();
  })`;
}

function fetched(init: string): string {
  return `fetch(target, { method: "POST", credentials: "include", ...${init} }).then(
    (answer) => answer.type + answer.status,
    (error) => error.name,
  )`;
}

const PAGE = "<!doctype html><body>a page</body>";

describe.runIf(hasBrowser)(
  hasBrowser ? "a control plane in a browser" : "a control plane in a browser (left out: no Chromium)",
  () => {
    const provider: MockProvider = mock();
    const answered: (string | undefined)[] = [];
    const attacker: Server = createServer((_request, response) =>
      response.setHeader("content-type", "text/html").end(PAGE),
    );
    let atlas: Atlas;
    let application: Server;
    let browser: Browser;
    let origins: Readonly<
      Record<"secure" | "plain", Readonly<Record<"own" | "sister" | "stranger", string>>>
    >;
    const edges: Edge[] = [];

    beforeAll(async () => {
      atlas = createAtlas({ providers: [provider], fetch: provider.fetch });
      const plane = createControlPlane({
        atlas,
        authorize: ({ headers }) => {
          const isSignedIn =
            headers.get("cookie")?.includes("session=ada") || headers.get("authorization") === BASIC;
          answered.push(isSignedIn ? "ada" : undefined);
          return isSignedIn ? { userId: "ada" } : null;
        },
        request: () => ({ ports: [8000] }),
        basePath: "/api/atlas",
      });
      application = createServer((request, response) =>
        request.url?.startsWith("/api/atlas")
          ? getRequestListener(plane)(request, response)
          : response.setHeader("content-type", "text/html").end(PAGE),
      );
      const [ownPort, attackerPort] = [await start(application), await start(attacker)];
      const certificate = await makeCertificate();
      const edge = async (name: string, port: number): Promise<string> => {
        const made = await edgeOf(name, `http://127.0.0.1:${port}`, certificate);
        edges.push(made);
        return made.origin;
      };
      origins = {
        secure: {
          own: await edge("app.pods.test", ownPort),
          sister: await edge("sister.pods.test", attackerPort),
          stranger: await edge("stranger.other.test", attackerPort),
        },
        plain: {
          own: `http://app.pods.test:${ownPort}`,
          sister: `http://sister.pods.test:${attackerPort}`,
          stranger: `http://stranger.other.test:${attackerPort}`,
        },
      };
      browser = await launch();
    }, 60_000);

    afterAll(async () => {
      await browser?.close();
      for (const edge of edges) await edge[Symbol.asyncDispose]();
      for (const server of [application, attacker]) server?.close();
      await atlas?.close();
    });

    /** A browser whose user is signed in at the application, as laxly as a browser allows. */
    async function signedIn(transport: "secure" | "plain", by: "cookie" | "Basic"): Promise<BrowserContext> {
      const { own } = origins[transport];
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        ...(by === "Basic" && { extraHTTPHeaders: { authorization: BASIC } }),
      });
      const loose =
        transport === "secure"
          ? ({ sameSite: "None", secure: true } as const)
          : ({ sameSite: "Lax" } as const);
      if (by === "cookie") await context.addCookies([{ name: "session", value: "ada", url: own, ...loose }]);
      return context;
    }

    const CASES = (["secure", "plain"] as const).flatMap((transport) =>
      (["cookie", "Basic"] as const).flatMap((by) =>
        (["sister", "stranger"] as const).map((site) => [transport, by, site] as const),
      ),
    );

    it.each(CASES)(
      "over %s HTTP, signed in by %s, spawns nothing for a page of a %s",
      async (transport, by, site) => {
        const context = await signedIn(transport, by);
        const target = `${origins[transport].own}/api/atlas/computes`;
        const before = answered.length;
        for (const [name, script] of ATTACKS) {
          const page = await context.newPage();
          await page.goto(origins[transport][site]);
          await page.evaluate(`(() => { const target = ${JSON.stringify(target)}; return ${script}; })()`);
          expect(provider.instances, name).toEqual([]);
          await page.close();
        }
        // The attacks did reach the control plane with the user's credential where the browser sends one along.
        if (by === "Basic") expect(answered.slice(before)).toContain("ada");
        await context.close();
      },
      120_000,
    );

    it.each(["secure", "plain"] as const)("over %s HTTP spawns for its own page", async (transport) => {
      const context = await signedIn(transport, "cookie");
      const page = await context.newPage();
      await page.goto(origins[transport].own);
      const status = await page.evaluate(
        `fetch("/api/atlas/computes", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }).then(({ status }) => status)`,
      );
      expect(status).toBe(201);
      await context.close();
    });
  },
);
