import { describe, expect, it, vi } from "vitest";
import { createOperatorPage } from "../../src/server/index.ts";
import { BASE, deskUnderTest, grace, ORIGIN, vera } from "./desk.ts";

const PATHS = ["", "/computes/x", "/reaper", "/computes/x/stop", "/nothing"];

describe("access to the operator page", () => {
  it("answers 401 to a request without an operator, whatever its path, and asks the store nothing", async () => {
    const { get, post, atlas } = deskUnderTest();
    const asked = [vi.spyOn(atlas, "listComputes"), vi.spyOn(atlas, "getCompute"), vi.spyOn(atlas, "reap")];
    for (const path of PATHS) expect((await get(path, {})).status).toBe(401);
    expect((await post("/computes/x/terminate", {}, {})).status).toBe(401);
    for (const method of asked) expect(method).not.toHaveBeenCalled();
  });

  it("lets no request in when authorize fails or names no operator, and keeps the reason in the log", async () => {
    const answers = [
      () => {
        throw new Error("the session store is down: secret-password");
      },
      () => ({ operator: "grace", role: "admin" }),
      () => ({ operator: "", role: "act" }),
      () => "grace",
    ];
    for (const authorize of answers) {
      const { get, logged } = deskUnderTest({
        authorize: (request) => Reflect.apply(authorize, undefined, [request]),
      });
      const response = await get("");
      expect([response.status, await response.text()]).toEqual([
        503,
        expect.not.stringContaining("secret-password"),
      ]);
      expect(logged).toHaveLength(1);
    }
  });

  it("shows an operator who may view no action, and refuses it each of them", async () => {
    const { get, post, atlas, clock } = deskUnderTest();
    const { id } = await clock.settle(atlas.spawnCompute({ userId: "ann", ports: [8000] }));
    const html = await (await get(`/computes/${id}`, vera)).text();
    expect(html).not.toContain(`${id}/`);
    for (const action of ["touch", "extend", "stop", "start", "rotate", "terminate"]) {
      expect((await get(`/computes/${id}/${action}`, vera)).status).toBe(403);
      expect((await post(`/computes/${id}/${action}`, { minutes: "5" }, vera)).status).toBe(403);
    }
    expect((await atlas.getCompute(id)).status).toBe("provisioning");
  });

  it("refuses an action that another site made the browser send", async () => {
    const { post, atlas, clock } = deskUnderTest();
    const { id } = await clock.settle(atlas.spawnCompute({ userId: "ann", ports: [8000] }));
    const forged = [
      { ...grace, origin: "https://evil.example" },
      { ...grace, origin: "null" },
      { ...grace, origin: "https://evil.example", "sec-fetch-site": "cross-site" },
      { ...grace, origin: "", "sec-fetch-site": "same-site" },
    ];
    for (const headers of forged)
      expect((await post(`/computes/${id}/terminate`, {}, headers)).status).toBe(403);
    expect((await atlas.getCompute(id)).status).toBe("provisioning");
  });

  it("allows its pages one style and one script, no frame and no other place", async () => {
    const { get } = deskUnderTest();
    const [first, second] = [await get(""), await get("")];
    const policy = first.headers.get("content-security-policy") ?? "";
    const nonce = /script-src 'nonce-([\w-]{22})'/.exec(policy)?.[1] ?? "";
    expect(policy).toBe(
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    );
    expect(second.headers.get("content-security-policy")).not.toContain(nonce);
    const html = await first.text();
    expect(html.match(/<(?:script|link rel="stylesheet")[^>]*>/g)).toHaveLength(2);
    expect(html).not.toMatch(/ (?:style|on\w+)=/);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      "cache-control": "no-store",
      "x-frame-options": "DENY",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
    });
  });

  it("is reached whether the framework strips its path or not, with and without a slash at the end", async () => {
    const { atlas } = deskUnderTest();
    const page = createOperatorPage({
      atlas,
      authorize: () => ({ operator: "grace", role: "view" }),
      basePath: "/operator",
    });
    for (const url of [BASE, `${BASE}/`, `${ORIGIN}/`, `${BASE}/reaper/`, `${ORIGIN}/reaper`]) {
      const response = await page(new Request(url));
      expect([url, response.status]).toEqual([url, 200]);
      expect(await response.text()).toContain('href="/operator/reaper"');
    }
  });

  it("serves its style, its script and its icon under addresses that change with them", async () => {
    const { get } = deskUnderTest();
    const html = await (await get("")).text();
    const files = [...html.matchAll(/(?:href|src)="\/operator(\/[\w.]+\?v=[\w-]+)"/g)].map(
      ([, path = ""]) => path,
    );
    expect(files).toHaveLength(2);
    for (const path of [...files, "/icon.svg"]) {
      const response = await get(path, {});
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toContain("immutable");
    }
  });

  it("refuses options that are not valid", () => {
    expect(() => Reflect.apply(createOperatorPage, undefined, [{ atlas: {}, basePath: "operator" }])).toThrow(
      expect.objectContaining({ code: "VALIDATION" }),
    );
  });

  it("warns on every page when the store belongs to another deployment", async () => {
    const { store, clock, provider, atlas } = deskUnderTest();
    await clock.settle(atlas.spawnCompute({ ports: [8000] }));
    const { createAtlas } = await import("../../src/index.ts");
    const copy = createAtlas({ providers: [provider], clock, store, deployment: "preview" });
    const { get, post } = deskUnderTest({ atlas: copy });
    const { computes } = await copy.listComputes();
    for (const path of ["", `/computes/${computes[0]?.id}`, "/reaper"]) {
      const html = await (await get(path)).text();
      expect(html).toMatch(/role="alert".*deployment (?:"|&quot;)test.*adopt --moved/s);
    }
    expect((await post(`/computes/${computes[0]?.id}/touch`)).status).toBe(409);
  });
});
