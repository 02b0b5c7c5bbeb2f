import { describe, expect, test } from "vitest";
import { ada, BASE, bearer, jsonOf, ORIGIN, type PlaneUnderTest, planeUnderTest } from "./plane.ts";

const LISTED = "https://console.example";
const cookie = { cookie: "session=ada" };

/** A control plane that lists one origin besides its own, and knows ada by any credential. */
function plane(): PlaneUnderTest {
  const user = { userId: "ada", gpu: "l4" };
  const authorize = ({ headers }: Request): typeof user | null =>
    headers.has("cookie") || headers.has("authorization") ? user : null;
  return planeUnderTest({ origins: [LISTED], authorize });
}

/** The status of a change with these headers, and the number of pods after it. */
async function changeWith(headers: Record<string, string>): Promise<string> {
  const subject = plane();
  const { status } = await subject.call("POST", "/computes", { headers, body: {} });
  return `${status}, ${subject.provider.instances.length} pods`;
}

const basic = { authorization: "Basic YWRhOnBhc3N3b3Jk" };

describe("a change", () => {
  test.each<[string, Record<string, string>]>([
    ["with a bearer token, from any page", { ...bearer("session"), origin: "https://evil.example" }],
    ["that the browser says is of the same origin", { ...cookie, "sec-fetch-site": "same-origin" }],
    ["of a listed origin", { ...cookie, origin: LISTED, "sec-fetch-site": "cross-site" }],
    ["with the origin of the address", { ...cookie, origin: ORIGIN }],
    ["with the origin of its Host", { ...cookie, origin: "https://a.example:8443", host: "a.example:8443" }],
    [
      "with the origin of its X-Forwarded-Host",
      { ...cookie, origin: "https://www.example", "x-forwarded-host": "www.example, inner.example" },
    ],
    ["of a program, without any ambient credential", { authorization: "Token of-a-program" }],
  ])("%s spawns", async (_name, headers) => {
    expect(await changeWith(headers)).toBe("201, 1 pods");
  });

  test.each<[string, Record<string, string>]>([
    [
      "of another site, by cookie",
      { ...cookie, origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    ],
    ["of another site, by a stored password", { ...basic, origin: "https://evil.example" }],
    ["of another site, by NTLM", { authorization: "NTLM abc", origin: "https://evil.example" }],
    [
      "of a sister subdomain",
      { ...cookie, origin: "https://evil.app.example", "sec-fetch-site": "same-site" },
    ],
    ["of another port of the host", { ...cookie, origin: "https://app.example:8443" }],
    ["of a page without an origin", { ...cookie, origin: "null" }],
    [
      "of a page over plain http, which sends no Sec-Fetch-Site",
      { ...cookie, origin: "http://evil.example" },
    ],
    [
      "of a page over plain http on our host, which the browser calls another site",
      { ...cookie, origin: "http://app.example", "sec-fetch-site": "cross-site" },
    ],
    ["that says no origin, by cookie", cookie],
    ["that says no origin, by a stored password", basic],
    ["that says no origin, by Negotiate in capitals", { authorization: "NEGOTIATE abc" }],
    ["that the user is said to have typed", { ...cookie, "sec-fetch-site": "none" }],
    ["whose Bearer is empty", { ...cookie, authorization: "Bearer", origin: "https://evil.example" }],
    ["whose origin only begins like ours", { ...cookie, origin: "https://app.example.evil.example" }],
    ["whose origin is no web page's", { ...cookie, origin: "ftp://app.example" }],
  ])("%s is refused, and changes nothing", async (_name, headers) => {
    expect(await changeWith(headers)).toBe("403, 0 pods");
  });

  test.each(["POST /computes/:id/touch", "DELETE /computes/:id", "POST /computes/:id/signed-url"])(
    "by %s is refused from another site, too",
    async (route) => {
      const subject = plane();
      const { compute } = await subject.spawn();
      const [method = "", path = ""] = route.replace(":id", compute.id).split(" ");
      const headers = { ...cookie, origin: "https://evil.example" };
      expect((await subject.call(method, path, { headers })).status).toBe(403);
      expect(subject.provider.instances[0]?.status).toBe("running");
    },
  );

  test("without a credential is refused as such, so that a stranger learns nothing of origins", async () => {
    expect(await changeWith({ origin: "https://evil.example" })).toBe("401, 0 pods");
  });

  test("of an empty form is refused by its type, also from a page of ours", async () => {
    const subject = plane();
    const headers = { ...ada, "content-type": "application/x-www-form-urlencoded" };
    expect((await subject.call("POST", "/computes", { headers })).status).toBe(415);
    expect(subject.provider.instances).toEqual([]);
  });
});

test("a read from another site passes, because its page cannot see the answer", async () => {
  const response = await plane().call("GET", "/computes", {
    headers: { ...cookie, origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  });
  expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  expect(response.headers.get("vary")).toBe("Origin");
});

describe("CORS", () => {
  test("answers a preflight of a listed origin, with credentials", async () => {
    const response = await plane().handler(
      new Request(`${BASE}/computes`, {
        method: "OPTIONS",
        headers: { origin: LISTED, "access-control-request-method": "POST" },
      }),
    );
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": LISTED,
      "access-control-allow-credentials": "true",
      "access-control-allow-headers": expect.stringContaining("idempotency-key"),
      "access-control-allow-methods": expect.stringContaining("DELETE"),
      vary: "Origin",
    });
  });

  test("covers refusals and streams, so that a listed page can read them", async () => {
    const subject = plane();
    const { compute } = await subject.spawn();
    const headers = { ...cookie, origin: LISTED };
    const answers = [
      await subject.call("GET", "/computes", { headers: { origin: LISTED } }),
      await subject.call("GET", "/nothing", { headers }),
      await subject.call("GET", `/computes/${compute.id}/events`, { headers }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 404, 200]);
    for (const answer of answers) {
      expect(answer.headers.get("access-control-allow-origin")).toBe(LISTED);
      await answer.body?.cancel();
    }
  });

  test("is silent towards every other origin, also our own, which needs none", async () => {
    for (const origin of ["https://evil.example", "null", ORIGIN, `${LISTED}.evil.example`]) {
      const response = await plane().call("GET", "/computes", { headers: { ...cookie, origin } });
      expect(response.headers.has("access-control-allow-origin")).toBe(false);
    }
  });
});

describe("the origin of the page that spawned", () => {
  const originsOf = async (
    headers: Record<string, string>,
    origins?: readonly string[],
  ): Promise<unknown> => {
    const subject = planeUnderTest({
      origins: [LISTED],
      authorize: () => ({ userId: "ada", gpu: "l4" }),
      request: () => (origins === undefined ? {} : { origins }),
    });
    await jsonOf(subject.call("POST", "/computes", { headers }));
    return subject.provider.instances[0]?.env.ATLAS_ORIGINS;
  };

  test("may call the pod, unless the application names others", async () => {
    expect(await originsOf(ada)).toBe(ORIGIN);
    expect(await originsOf({ ...cookie, origin: LISTED })).toBe(LISTED);
    expect(await originsOf(ada, ["https://preview-*.app.example"])).toBe("https://preview-*.app.example");
    expect(await originsOf(ada, [])).toBeUndefined();
  });

  test("does not, when it is neither ours nor listed", async () => {
    expect(await originsOf({ ...bearer("session"), origin: "https://evil.example" })).toBeUndefined();
    expect(await originsOf(bearer("session"))).toBeUndefined();
  });
});
