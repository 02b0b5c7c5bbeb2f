/** The pinned cases of generations, prefixes, opening links, cookies, and the whole table of the cookie rule. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  cookieMayAct,
  generationSecret,
  verifyCookie,
  verifyOpeningLink,
  verifySignedPrefix,
} from "../../src/auth/index.ts";

interface Case {
  readonly want: unknown;
  readonly now?: number;
  readonly secret?: string;
}
type CookieRow = readonly [
  method: string,
  isUpgrade: boolean,
  site: string | null,
  mode: string,
  dest: string,
  origin: string | null,
  want: boolean,
];
interface Vectors {
  readonly secret: string;
  readonly now: number;
  readonly computeId: string;
  readonly generation: readonly { secret: string; generation: number; want: string }[];
  readonly prefix: readonly (Case & { path: string })[];
  readonly open: readonly (Case & { query: string })[];
  readonly cookie: readonly (Case & { header: string })[];
  readonly cookieMayAct: readonly CookieRow[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../vectors/credentials.json", import.meta.url), "utf8"),
) as Vectors;
const AT = "https://pod-8000.proxy.runpod.net";

function options({ now = vectors.now, secret = vectors.secret }: Case): { now: number; secret: string } {
  return { now, secret };
}

describe("pinned credentials", () => {
  test("there are 59 cases and 432 rows of the cookie rule", () => {
    const { generation, prefix, open, cookie } = vectors;
    expect([generation, prefix, open, cookie].map(({ length }) => length)).toEqual([3, 32, 11, 13]);
    expect(vectors.cookieMayAct).toHaveLength(432);
  });

  test.each(vectors.generation)(
    "generation $generation has its own secret",
    ({ secret, generation, want }) => {
      expect(generationSecret(secret, generation)).toBe(want);
    },
  );

  test.each(vectors.prefix)("the prefix-signed path $path", (one) => {
    expect(verifySignedPrefix(one.path, options(one))).toEqual(one.want);
  });

  test.each(vectors.open)("the opening link $query", (one) => {
    expect(verifyOpeningLink(one.query, options(one))).toEqual(one.want);
  });

  test.each(vectors.cookie)("the cookie $header", (one) => {
    expect(verifyCookie(one.header, { ...options(one), computeId: vectors.computeId })).toEqual(one.want);
  });

  test("the cookie rule holds in every row", () => {
    const wrong = vectors.cookieMayAct.filter(([method, isUpgrade, site, mode, dest, origin, want]) => {
      const use = { method, isUpgrade, mode, dest, site: site ?? undefined, origin: origin ?? undefined };
      return cookieMayAct(use, AT) !== want;
    });
    expect(wrong).toEqual([]);
  });
});
