/** A prefix-signed folder in a browser: files that name each other by relative links open without any script. */
import { createServer, type RequestListener } from "node:http";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generationSecret, signPrefix } from "../../src/auth/index.ts";
import { type Proxied, proxied } from "../guard/support/proxied.ts";
import { start } from "../guard/support/servers.ts";
import { hasBrowser, launch } from "./browser.ts";
import { type Edge, edgeOf, makeCertificate } from "./https.ts";
import { type Film, recordFilm } from "./recording.ts";

const SECRET = "secret-of-the-pod";
const SEGMENTS = 200;
const RECORDING_SECONDS = 25;
const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"></svg>';

function playlistOf(count: number): string {
  const head = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:1", "#EXT-X-PLAYLIST-TYPE:VOD"];
  const pieces = Array.from({ length: count }, (_, index) => `#EXTINF:0.112,\nparts/${index}.m4s`);
  return [...head, '#EXT-X-MAP:URI="init.mp4"', ...pieces, "#EXT-X-ENDLIST", ""].join("\n");
}

function galleryOf(count: number): string {
  const images = Array.from({ length: count }, (_, index) => `<img src="images/${index}.svg">`);
  return `<!doctype html><link rel="stylesheet" href="../shared/style.css"><body>${images.join("")}</body>`;
}

describe.runIf(hasBrowser)(hasBrowser ? "a signed folder" : "a signed folder (left out: no Chromium)", () => {
  const reached: string[] = [];
  const app = createServer();
  let film: Film;
  let pod: Proxied;
  let edge: Edge;
  let browser: Browser;
  let page: Page;
  let application: string;

  const serve: RequestListener = ({ url = "" }, response) => {
    reached.push(url);
    const file = fileOf(url);
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": file[0] }).end(file[1]);
  };

  function fileOf(url: string): readonly [type: string, body: string | Buffer] | undefined {
    if (url === "/hls/42/index.m3u8") return ["application/vnd.apple.mpegurl", playlistOf(SEGMENTS)];
    if (url === "/hls/42/init.mp4") return ["video/mp4", film.init];
    if (url === "/gallery/7/index.html") return ["text/html", galleryOf(SEGMENTS)];
    if (/^\/gallery\/7\/images\/\d+\.svg$/.test(url)) return ["image/svg+xml", PICTURE];
    const segment = film.segments[Number(/^\/hls\/42\/parts\/(\d+)\.m4s$/.exec(url)?.[1])];
    return segment && ["video/mp4", segment];
  }

  beforeAll(async () => {
    pod = await proxied(serve, { signingSecret: SECRET, origins: [] });
    edge = await edgeOf("pod.pods.test", pod.url, await makeCertificate());
    const html = (source: string): string => `<!doctype html><video muted autoplay src="${source}"></video>`;
    app.on("request", ({ url = "" }, response) =>
      response.setHeader("content-type", "text/html").end(html(decodeURIComponent(url.slice(2)))),
    );
    application = `http://127.0.0.1:${await start(app)}`;
    browser = await launch();
    page = await browser.newPage({ ignoreHTTPSErrors: true });
    film = await recordFilm(page, RECORDING_SECONDS);
  }, 90_000);

  afterAll(async () => {
    await browser?.close();
    await edge?.[Symbol.asyncDispose]();
    await pod?.[Symbol.asyncDispose]();
    app.close();
  });

  it(`plays an HLS playlist of ${SEGMENTS} segments in a <video>, on a page without script`, async () => {
    expect(film.segments.length).toBeGreaterThanOrEqual(SEGMENTS);
    const folder = signPrefix(`${edge.origin}/hls/42/`, { secret: SECRET });
    await page.goto(`${application}/?${encodeURIComponent(`${folder}index.m3u8`)}`);
    await page.evaluate("document.querySelector('video').playbackRate = 2");
    await page.waitForFunction("document.querySelector('video').ended", undefined, { timeout: 45_000 });
    const { width, seconds } = await page.evaluate<{ width: number; seconds: number }>(
      "({ width: document.querySelector('video').videoWidth, seconds: document.querySelector('video').currentTime })",
    );
    expect(width).toBe(64);
    expect(seconds).toBeGreaterThan(15);
    const parts = new Set(reached.filter((url) => url.endsWith(".m4s")));
    expect(parts.size).toBe(SEGMENTS);
    expect(pod.lines.filter(({ status }) => status !== 200)).toEqual([]);
    expect(JSON.stringify(pod.lines)).not.toContain(folder.split("/")[4]);
  });

  it(`opens a page with ${SEGMENTS} images by relative links, and nothing beside its folder`, async () => {
    const folder = signPrefix(`${edge.origin}/gallery/7/`, { secret: SECRET });
    await page.goto(`${folder}index.html`);
    const widths = await page.evaluate<number[]>(
      "[...document.images].map(({ naturalWidth }) => naturalWidth)",
    );
    expect(widths).toEqual(Array.from({ length: SEGMENTS }, () => 7));
    expect(reached.filter((url) => url.includes("shared"))).toEqual([]);
    const outside = await page.evaluate("fetch('../shared/x').then(({ status }) => status)");
    expect(outside).toBe(401);
  });

  it("lets a page below it neither post, open a WebSocket, nor register a service worker", async () => {
    const folder = signPrefix(`${edge.origin}/gallery/7/`, { secret: SECRET });
    await page.goto(`${folder}index.html`);
    const before = reached.length;
    const outcomes = await page.evaluate(`Promise.all([
      fetch("post", { method: "POST" }).then(({ status }) => status),
      new Promise((resolve) => {
        const socket = new WebSocket(new URL("ws", location.href.replace("https", "wss")));
        socket.onopen = () => resolve("open");
        socket.onclose = () => resolve("closed");
      }),
      navigator.serviceWorker.register("worker.js").then(() => "registered", ({ name }) => name),
    ])`);
    expect(outcomes).toEqual([401, "closed", expect.stringMatching(/Error$/)]);
    expect(reached.slice(before)).toEqual([]);
  });

  it("ends with its generation", async () => {
    const folder = signPrefix(`${edge.origin}/gallery/7/`, { secret: generationSecret(SECRET, 1) });
    expect((await page.goto(`${folder}index.html`))?.status()).toBe(401);
  });
});
