/** A web UI in a tab: its own page works by the cookie of an opening link, and the pages of other pods get nowhere with it. */
import { createServer, type Server } from "node:http";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signOpeningLink } from "../../src/auth/index.ts";
import { type Proxied, proxied, waitFor } from "../guard/support/proxied.ts";
import { start } from "../guard/support/servers.ts";
import { hasBrowser, launch } from "./browser.ts";
import { type Edge, edgeOf, makeCertificate } from "./https.ts";
import { webUi } from "./web-ui.ts";

const SECRET = "secret-of-the-victim";

interface Attack {
  readonly name: string;
  /** Script of the attacking page; `victim` is the pod's origin. Its value is what the page learned. */
  readonly script: string;
  readonly learns: unknown;
}

const LOADED = (element: string): string => `new Promise((resolve) => {
  const element = document.createElement("${element}");
  element.onload = () => resolve("loaded");
  element.onerror = () => resolve("failed");
  element.src = victim + "/assets/picture.svg?attack";
  if (element.rel !== undefined) element.rel = "stylesheet";
  document.body.append(element);
})`;
const FETCHED = (init: string): string =>
  `fetch(victim + "/api/attack", ${init}).then((answer) => answer.text(), (error) => error.name)`;

const ATTACKS: readonly Attack[] = [
  { name: "reads with fetch", script: FETCHED('{ credentials: "include" }'), learns: "TypeError" },
  {
    name: "posts with fetch",
    script: FETCHED('{ method: "POST", mode: "no-cors", credentials: "include" }'),
    learns: "",
  },
  { name: "reads without CORS", script: FETCHED('{ mode: "no-cors", credentials: "include" }'), learns: "" },
  { name: "shows an image", script: LOADED("img"), learns: "failed" },
  { name: "runs a script", script: LOADED("script"), learns: "failed" },
  {
    name: "frames the page",
    script: `new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.onload = () => setTimeout(() => resolve(frame.contentWindow.length), 200);
      frame.src = victim + "/lab?attack";
      document.body.append(frame);
    })`,
    learns: 0,
  },
  {
    name: "posts a form",
    script: `new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.name = "target";
      const form = document.createElement("form");
      Object.assign(form, { action: victim + "/api/attack", method: "post", target: "target" });
      document.body.append(frame, form);
      frame.onload = () => setTimeout(() => resolve("sent"), 200);
      form.submit();
    })`,
    learns: "sent",
  },
  {
    name: "opens a WebSocket",
    script: `new Promise((resolve) => {
      const socket = new WebSocket(victim.replace("https", "wss") + "/ws");
      socket.onopen = () => resolve("open");
      socket.onclose = () => resolve("closed");
    })`,
    learns: "closed",
  },
  {
    name: "posts with a beacon",
    script:
      'new Promise((resolve) => { navigator.sendBeacon(victim + "/api/attack", "x"); setTimeout(() => resolve("sent"), 300); })',
    learns: "sent",
  },
];

describe.runIf(hasBrowser)(
  hasBrowser ? "a web UI in a tab" : "a web UI in a tab (left out: no Chromium)",
  () => {
    const ui = webUi();
    const attacker: Server = createServer((_request, response) =>
      response.setHeader("content-type", "text/html").end("<body>a page of another pod</body>"),
    );
    let pod: Proxied;
    let victim: Edge;
    let sibling: Edge;
    let stranger: Edge;
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;

    const link = (to: string): string => signOpeningLink(victim.origin, { secret: SECRET, to });

    beforeAll(async () => {
      pod = await proxied(ui.listener, {
        signingSecret: SECRET,
        schemes: ["bearer", "signed-url", "cookie"],
        computeId: "c1",
      });
      ui.acceptSockets(pod.behind);
      const certificate = await makeCertificate();
      const attackerUrl = `http://127.0.0.1:${await start(attacker)}`;
      victim = await edgeOf("victim.pods.test", pod.url, certificate);
      sibling = await edgeOf("sibling.pods.test", attackerUrl, certificate);
      stranger = await edgeOf("stranger.other.test", attackerUrl, certificate);
      browser = await launch();
      context = await browser.newContext({ ignoreHTTPSErrors: true });
      page = await context.newPage();
    }, 60_000);

    afterAll(async () => {
      await browser?.close();
      for (const edge of [victim, sibling, stranger]) await edge?.[Symbol.asyncDispose]();
      await pod?.[Symbol.asyncDispose]();
      attacker.close();
    });

    it("does not open without the link", async () => {
      const response = await page.goto(`${victim.origin}/lab`);
      expect(response?.status()).toBe(401);
      expect(ui.reached).toEqual([]);
    });

    it("opens by the link, and its styles, scripts, images, requests and WebSocket work", async () => {
      await page.goto(link("/lab?x=1"));
      expect(page.url()).toBe(`${victim.origin}/lab?x=1`);
      expect(await page.evaluate("results")).toEqual({
        saved: 200,
        seen: { url: "/api/save", method: "POST", cookie: null, credential: "cookie" },
        echo: "hello",
      });
      expect(await page.evaluate("getComputedStyle(document.getElementById('text')).color")).toBe(
        "rgb(1, 2, 3)",
      );
      expect(await page.evaluate("document.getElementById('image').naturalWidth")).toBe(7);
    });

    it("works again after a reload and in a second tab, and its own cookies pass", async () => {
      await page.reload();
      const second = await context.newPage();
      await second.goto(`${victim.origin}/lab`);
      expect(await second.evaluate("results")).toMatchObject({
        saved: 200,
        seen: { cookie: "own=1" },
        echo: "hello",
      });
      await second.close();
    });

    it("hides its cookie from scripts", async () => {
      expect(await page.evaluate("document.cookie")).not.toContain("atlas");
      const cookies = await context.cookies(victim.origin);
      expect(cookies.find(({ name }) => name === "__Host-atlas")).toMatchObject({
        httpOnly: true,
        secure: true,
        sameSite: "Lax",
        path: "/",
      });
    });

    it.each([
      ["the same site", () => sibling],
      ["another site", () => stranger],
    ] as const)("opens by a link on a page of %s, because a person follows it", async (_site, edge) => {
      const tab = await context.newPage();
      await tab.goto(edge().origin);
      await tab.evaluate(`location.href = ${JSON.stringify(`${victim.origin}/lab`)}`);
      await tab.waitForURL(`${victim.origin}/lab`);
      expect(await tab.evaluate("results")).toMatchObject({ saved: 200, echo: "hello" });
      await tab.close();
    });

    describe.each([
      ["a pod of the same site", () => sibling],
      ["another site", () => stranger],
    ] as const)("a page of %s", (site, edge) => {
      it.each(ATTACKS.map((attack) => [attack.name, attack] as const))(
        "%s, and gets nowhere",
        async (_name, attack) => {
          const tab = await context.newPage();
          await tab.goto(edge().origin);
          const [before, lines] = [ui.reached.length, pod.lines.length];
          const learned = await tab.evaluate(
            `(() => { const victim = ${JSON.stringify(victim.origin)}; return ${attack.script}; })()`,
          );
          expect(learned).toEqual(attack.learns);
          await waitFor(() => pod.lines.length > lines);
          await tab.close();
          expect(ui.reached.slice(before)).toEqual([]);
          // Chromium sends the cookie along with requests of the same site: the guard has seen it, and did not act on it.
          // A socket of an earlier tab may be logged now, at its end: it opened long ago.
          const judged = pod.lines.slice(lines).filter(({ status }) => status !== 101);
          const reasons = new Set(judged.map(({ reason }) => reason));
          expect(reasons).toEqual(new Set([site === "another site" ? "missing" : "not_allowed"]));
        },
      );
    });

    it("does not open by a changed link, an expired one, or one in a frame", async () => {
      const fresh = await browser.newContext({ ignoreHTTPSErrors: true });
      const tab = await fresh.newPage();
      const past = signOpeningLink(victim.origin, { secret: SECRET, now: Date.now() / 1000 - 61 });
      for (const url of [link("/lab").replace("%2Flab", "%2Fadmin"), past])
        expect((await tab.goto(url))?.status()).toBe(401);
      await tab.goto(sibling.origin);
      await tab.evaluate(`new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.onload = resolve;
      frame.src = ${JSON.stringify(link("/lab"))};
      document.body.append(frame);
    })`);
      expect(await fresh.cookies(victim.origin)).toEqual([]);
      await fresh.close();
    });
  },
);
