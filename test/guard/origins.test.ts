import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createGuard } from "../../src/guard/index.ts";
import { isOrigin, isOriginPattern, originPattern } from "../../src/internal/origins.ts";
import { manualClock } from "../../src/providers/mock/index.ts";

const env = { ATLAS_PRESHARED_KEY: "k".repeat(43), ATLAS_ORIGINS: "https://app.example" };

describe("a pattern of origins", () => {
  test.each([
    ["https://*.app.example", "https://a.app.example", true],
    ["https://preview-*.app.example", "https://preview-7-x.app.example", true],
    ["https://*-team.app.example:8443", "https://pr1-team.app.example:8443", true],
    ["https://*.app.example", "https://app.example", false],
    ["https://*.app.example", "https://.app.example", false],
    ["https://*.app.example", "https://a.b.app.example", false],
    ["https://*.app.example", "http://a.app.example", false],
    ["https://*.app.example", "https://a.app.example:8443", false],
    ["https://*.app.example", "https://a.app.example.evil.example", false],
    ["https://*.app.example", "https://A.app.example", false],
    ["https://*.app.example", "https://a@b.app.example", false],
    ["https://a*a.app.example", "https://a.app.example", false],
  ])("%s at %s is %s", (pattern, origin, expected) => {
    expect(isOriginPattern(pattern)).toBe(true);
    expect(originPattern(pattern)?.(origin)).toBe(expected);
  });

  test.each([
    ...["*", "https://*", "https://*.example", "https://app.*.example", "https://*.*.app.example"],
    ...["https://*.app.example/", "https://**.app.example", "*.app.example", "https://app.example:*"],
    ...[
      "https://*.app.example:443",
      "https://*.0.0.1",
      "null",
      "",
      "ftp://app.example",
      "https://*.app..example",
    ],
  ])("that could not match is refused: %s", (pattern) => {
    expect(isOriginPattern(pattern)).toBe(false);
  });

  test("matches only what stands between its fixed parts", () => {
    const label = fc.stringMatching(/^[a-z0-9-]{1,10}$/);
    fc.assert(
      fc.property(label, fc.string(), (inside, other) => {
        const matches = originPattern("https://pr-*.app.example");
        expect(matches?.(`https://pr-${inside}.app.example`)).toBe(true);
        expect(matches?.(`https://pr-${other}.app.example`)).toBe(/^[a-z0-9-]+$/.test(other));
      }),
    );
  });

  test("is no origin itself, although a URL may hold a star", () => {
    expect([isOrigin("https://*.app.example"), isOrigin("https://app.example")]).toEqual([false, true]);
  });
});

describe("a guard", () => {
  const preflight = (origin: string): Request =>
    new Request("http://pod.test/v1", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });

  test("takes the origins of its environment and of its options together", async () => {
    await using guard = createGuard({ origins: ["https://pr-*.app.example"], env, log: () => undefined });
    const handler = guard.fetch(() => new Response());
    const allowed = async (origin: string): Promise<string | null> =>
      (await handler(preflight(origin))).headers.get("access-control-allow-origin");
    for (const origin of ["https://app.example", "https://pr-7.app.example"])
      expect(await allowed(origin)).toBe(origin);
    expect(await allowed("https://pr-.app.example")).toBeNull();
  });

  test("names a refused origin in the log once, and a flood of them in one line in ten seconds", async () => {
    const lines: string[] = [];
    const clock = manualClock();
    await using guard = createGuard({ env, clock, log: (line) => lines.push(line) });
    const handler = guard.fetch(() => new Response());
    await handler(preflight("https://console.example"));
    await handler(preflight("https://console.example"));
    for (let index = 0; index < 50; index += 1) await handler(preflight(`https://evil-${index}.example`));
    await handler(preflight("https://app.example"));
    expect(lines).toEqual([expect.stringContaining('"https://console.example"')]);
    await clock.advance(10);
    await handler(preflight("https://console.example"));
    await handler(new Request("http://pod.test/a", { headers: { origin: "https://other.example" } }));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('"https://other.example"');
  });

  test("does not take its own page's form, or a WebSocket, for a refused origin", async () => {
    const lines: string[] = [];
    await using guard = createGuard({ env, log: (line) => lines.push(line) });
    const handler = guard.fetch(() => new Response());
    const headers = { origin: "http://pod.test" };
    await handler(new Request("http://pod.test/", { method: "POST", headers }));
    await handler(new Request("http://pod.test/", { headers: { ...headers, upgrade: "websocket" } }));
    expect(lines).toEqual([]);
  });
});
