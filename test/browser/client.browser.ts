/** The published browser client in Chromium: the page on one origin, the control plane on another, and a real guarded pod. */
import type { Browser, BrowserContext, Page, Request } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, launch } from "./browser.ts";
import { makeWorld, type World } from "./world/world.ts";

const PATIENCE = { timeout: 30_000 };
const TOKENS = "Object.keys(sessionStorage).map((key) => sessionStorage.getItem(key))";

describe.runIf(hasBrowser)(
  `the browser client in a browser${hasBrowser ? "" : " (left out: no Chromium)"}`,
  () => {
    let world: World;
    let browser: Browser;
    let user = "";
    const contexts: BrowserContext[] = [];

    beforeAll(async () => {
      world = await makeWorld();
      await world.start();
      browser = await launch();
    }, 60_000);
    afterEach(async () => {
      for (const context of contexts.splice(0)) await context.close();
      for (const { id } of await world.computes(user)) await world.request(user, "DELETE", `/computes/${id}`);
    });
    afterAll(async () => {
      await browser?.close();
      await world?.[Symbol.asyncDispose]();
    });

    async function device(): Promise<BrowserContext> {
      const context = await browser.newContext();
      contexts.push(context);
      return context;
    }

    /** A new user's first page. */
    async function firstPage(): Promise<Page> {
      user = `user${Math.random().toString(36).slice(2)}`;
      return world.tab(await device(), user);
    }

    async function open(page: Page, wish: object = {}): Promise<string> {
      return page.evaluate(
        `(async () => { const opening = computes.open({ wish: ${JSON.stringify(wish)} }); follow(opening.session); await opening; return session.getSnapshot().compute.id; })()`,
      );
    }

    async function phase(page: Page, wanted: string): Promise<void> {
      await page.waitForFunction(`session.getSnapshot().phase === "${wanted}"`, undefined, PATIENCE);
    }

    const ready = (page: Page): Promise<void> => page.evaluate("session.whenReady()");

    async function alive(): Promise<number> {
      const computes = await world.computes(user);
      return computes.filter(({ status }) => !/^(terminated|failed)$/.test(status)).length;
    }

    it("shows the progress before the control plane answers, and talks to the pod straight, with the token in the tab alone", async () => {
      const page = await firstPage();
      const requests: Request[] = [];
      page.on("request", (request) => requests.push(request));
      await open(page);
      await ready(page);
      expect(await page.evaluate("phases")).toEqual(expect.arrayContaining(["placing", "starting", "ready"]));
      expect(await page.evaluate("phases[0]")).toBe("placing");
      expect(await page.evaluate('session.fetch("/hello").then((answer) => answer.text())')).toBe(
        "hello from the pod",
      );
      expect(requests.some((request) => request.url().endsWith("/events"))).toBe(true);
      const [token] = await page.evaluate<string[]>(TOKENS);
      expect(token).toMatch(/^[\w-]{43}$/);
      const elsewhere = [
        await page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href"),
        JSON.stringify(await page.context().cookies()),
        ...requests.map((request) => request.url()),
        await world.stored(),
      ].join("\n");
      expect(elsewhere.includes(String(token))).toBe(false);
      expect(elsewhere).toContain("user");
    });

    it("opens a WebSocket, plays a signed sound, shows a signed folder, and opens a tab", async () => {
      const page = await firstPage();
      await open(page);
      await ready(page);
      const echo = `new Promise((resolve) => {
        const socket = session.webSocket("/ws");
        socket.onopen = () => socket.send("hi");
        socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
        socket.onclose = () => resolve("closed");
      })`;
      expect(await page.evaluate(echo)).toBe("echo hi");
      const sound = `session.signedUrl("/tone.wav").then((src) => new Promise((resolve) => {
        const audio = Object.assign(document.createElement("audio"), { src });
        audio.onloadedmetadata = () => resolve(audio.duration);
        audio.onerror = () => resolve("failed");
      }))`;
      expect(await page.evaluate(sound)).toBeCloseTo(1, 1);
      const folder = await page.evaluate<string>('session.signedPrefix("/folder/")');
      const other = await page.context().newPage();
      await other.goto(`${folder}index.html`);
      expect(await other.evaluate("document.images[0].naturalWidth")).toBe(7);
      await page.evaluate(
        "document.body.append(Object.assign(document.createElement('button'), { onclick: () => session.openInTab('/') }))",
      );
      const opened = page.context().waitForEvent("page");
      await page.click("button");
      const tab = await opened;
      await tab.waitForFunction("document.title === 'inside the pod'", undefined, PATIENCE);
      expect(await tab.evaluate("opener")).toBe(null);
    });

    it("finds the same compute after a reload, in a second tab, and in a duplicate of the tab", async () => {
      const page = await firstPage();
      const id = await open(page);
      await ready(page);
      const before = await page.evaluate(TOKENS);
      await page.reload();
      await page.waitForFunction("globalThis.isLoaded");
      expect(await open(page)).toBe(id);
      expect(await page.evaluate(TOKENS)).toEqual(before);
      const second = await world.tab(page.context(), user);
      expect(await open(second)).toBe(id);
      expect(await second.evaluate(TOKENS)).not.toEqual(before);
      // A duplicate begins with a copy of the tab's sessionStorage, as a tab does that its page opens.
      const opened = page.context().waitForEvent("page");
      await page.evaluate("void window.open(location.href)");
      const duplicate = await opened;
      await duplicate.waitForFunction("globalThis.isLoaded");
      expect(await duplicate.evaluate(TOKENS)).toEqual(before);
      expect(await open(duplicate)).toBe(id);
      for (const tab of [page, second, duplicate]) {
        await ready(tab);
        expect(await tab.evaluate('session.fetch("/hello").then(({ status }) => status)')).toBe(200);
      }
      expect(await alive()).toBe(1);
    });

    it("goes on in a page that comes back", async () => {
      const page = await firstPage();
      const id = await open(page);
      await ready(page);
      await page.goto(`${world.page}/elsewhere`);
      await page.goBack({ waitUntil: "commit" });
      await page.waitForFunction("globalThis.isLoaded");
      const wasKept = await page.evaluate<boolean>("globalThis.wasPersisted === true");
      expect(wasKept).toBe(true);
      // The page missed the end, and hears of it by looking again.
      await world.request(user, "DELETE", `/computes/${id}`);
      await phase(page, "ended");
    });

    it("says that it is offline, and is ready again when it is back", async () => {
      const page = await firstPage();
      await open(page);
      await page.context().setOffline(true);
      await phase(page, "offline");
      await new Promise((resolve) => setTimeout(resolve, 3000));
      await page.context().setOffline(false);
      await phase(page, "ready");
      expect(await alive()).toBe(1);
    });

    it("opens one compute when the control plane dies in the middle", async () => {
      const page = await firstPage();
      await page.evaluate("follow(computes.open().session)");
      await world.kill();
      await phase(page, "offline");
      await world.start();
      await phase(page, "ready");
      expect(await alive()).toBe(1);
    }, 90_000);

    it("hears once, after a restart, of an event that it missed", async () => {
      const page = await firstPage();
      await page.evaluate(`{
        globalThis.heard = [];
        globalThis.EventSource = class extends EventSource {
          constructor(...options) {
            super(...options);
            for (const name of ["state", "note", "report"])
              this.addEventListener(name, ({ lastEventId }) => heard.push(lastEventId));
          }
        };
      }`);
      const id = await open(page);
      await ready(page);
      await page.waitForFunction("heard.length > 0");
      const before = await page.evaluate<string[]>("heard");
      await world.kill();
      await world.start();
      // The stream comes back after two seconds at the earliest.
      await world.request(user, "DELETE", `/computes/${id}`);
      await phase(page, "ended");
      await page.waitForFunction(`heard.length > ${before.length}`);
      const heard = await page.evaluate<string[]>("heard");
      expect(heard.slice(0, before.length)).toEqual(before);
      expect(new Set(heard).size).toBe(heard.length);
    }, 90_000);

    it("renews a token once that the guard rejects", async () => {
      const page = await firstPage();
      await open(page);
      await ready(page);
      await page.evaluate(
        "for (const key of Object.keys(sessionStorage)) sessionStorage.setItem(key, 'A'.repeat(43))",
      );
      const asked: string[] = [];
      page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      expect(await page.evaluate('session.fetch("/hello").then(({ status }) => status)')).toBe(200);
      expect(asked.filter((path) => path.endsWith("/token"))).toHaveLength(1);
      expect(await page.evaluate(TOKENS)).not.toContain("A".repeat(43));
    });

    it("warns before the end, and moves the end at a wish", async () => {
      const page = await firstPage();
      await open(page, { maxLifetimeSeconds: 24, warnBeforeEndSeconds: 12 });
      await phase(page, "ending-soon");
      const before = await page.evaluate<number>("session.getSnapshot().endsAt.getTime()");
      await page.evaluate("session.extend(3600)");
      await phase(page, "ready");
      expect(await page.evaluate<number>("session.getSnapshot().endsAt.getTime()")).toBeGreaterThan(before);
    });

    it("sees the end of a compute that is idle", async () => {
      const page = await firstPage();
      await open(page, { idleTimeoutSeconds: 6 });
      await phase(page, "ended");
      expect(await page.evaluate("session.getSnapshot().message")).toBe("ended: idle");
    });

    it("shows why a pod did not boot", async () => {
      const page = await firstPage();
      // The compute may have failed before the answer to the request for it.
      await open(page, { fails: true }).catch(() => undefined);
      await phase(page, "failed");
      const { message } = await page.evaluate<{ message: string }>(
        "({ message: session.getSnapshot().message })",
      );
      expect(message).toMatch(/^failed: /);
      await page.waitForFunction(
        'session.getSnapshot().message.includes("no CUDA device")',
        undefined,
        PATIENCE,
      );
      await expect(page.evaluate("session.whenReady()")).rejects.toThrow();
    });

    it("shows the application's refusal by its code", async () => {
      const page = await firstPage();
      const refusal = await page.evaluate(
        "computes.open({ wish: { forbidden: true } }).catch(({ code, status }) => ({ code, status }))",
      );
      expect(refusal).toEqual({ code: "FORBIDDEN", status: 403 });
      expect(await page.evaluate("computes.session().getSnapshot().message")).toBe(
        "failed: your plan has no GPU",
      );
    });

    it("keeps another user out", async () => {
      const page = await firstPage();
      const id = await open(page);
      const stranger = await world.tab(await device(), "stranger");
      expect(await stranger.evaluate("computes.restore().then((session) => session === undefined)")).toBe(
        true,
      );
      const status = await stranger.evaluate(
        `fetch("${world.plane}/api/atlas/computes/${id}", { credentials: "include" }).then(({ status }) => status)`,
      );
      expect(status).toBe(404);
    });

    it("sends nothing more after a close", async () => {
      const page = await firstPage();
      await open(page);
      await ready(page);
      await page.evaluate("session.close()");
      const sent: string[] = [];
      page.on("request", (request) => sent.push(request.url()));
      await new Promise((resolve) => setTimeout(resolve, 4000));
      await page.evaluate('for (const name of ["online", "pageshow"]) dispatchEvent(new Event(name))');
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(sent).toEqual([]);
      expect(await alive()).toBe(1);
    });
  },
);
