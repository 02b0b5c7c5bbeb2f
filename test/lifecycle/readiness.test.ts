import { expect, test } from "vitest";
import { doubt, type ProbeFacts } from "../../src/lifecycle/readiness.ts";

const edge = { statuses: [404], placeholders: ["Welcome to nginx!"] };
const html = { "content-type": "text/html" };
const challenge = { "www-authenticate": "Bearer" };

/** Answers to a probe: the status, the facts that differ, headers, body, and true where the answer proves that the pod is ready. */
const CASES: readonly (readonly [
  status: number,
  facts: Partial<ProbeFacts>,
  headers: Readonly<Record<string, string>>,
  body: string,
  isProof: boolean,
])[] = [
  [200, { hasPath: true }, {}, "", true],
  [204, { hasPath: true, edge }, {}, "", true],
  [404, { hasPath: true }, {}, "", false],
  [500, { hasPath: true }, {}, "", false],
  [404, {}, {}, "", true],
  [502, {}, {}, "", false],
  [522, {}, {}, "", false],
  [403, { edge }, {}, "error code: 1010", false],
  [429, { edge }, {}, "", false],
  [400, { edge }, {}, "", false],
  [500, { edge }, {}, "", false],
  [301, { edge }, {}, "", false],
  [200, { edge, hasPath: true }, html, "<h1>starting</h1>", false],
  [200, { edge, hasPath: true }, {}, "<!doctype html>", false],
  [200, { edge, hasPath: true }, {}, "Welcome to nginx!", false],
  [200, {}, html, "<h1>It works</h1>", false],
  [200, { hasPath: true }, html, "<h1>the pod's own page</h1>", true],
  [401, { hasPath: true, mayRefuse: true }, challenge, "", true],
  [401, { hasPath: true, mayRefuse: true }, {}, "", false],
  [401, { hasPath: true, mayRefuse: false }, challenge, "", false],
  [200, { hasPath: true, edge, isIdentified: true }, html, "<h1>behind the guard</h1>", true],
  [503, { expect: { status: 503 } }, {}, "", true],
  [200, { expect: { status: [201, 204] } }, {}, "", false],
  [200, { expect: { header: { "x-model": "llama" } } }, { "x-model": "llama" }, "", true],
  [200, { expect: { header: { "x-model": "llama" } } }, { "x-model": "other" }, "", false],
  [200, { expect: { text: "ready" } }, {}, "it is ready", true],
  [200, { expect: { text: /^ready$/g } }, {}, "not ready", false],
  [200, { expect: { json: { model: { loaded: true } } } }, {}, '{"model":{"loaded":true,"name":"x"}}', true],
  [200, { expect: { json: { model: { loaded: true } } } }, {}, '{"model":{"loaded":false}}', false],
  [200, { expect: { json: { ok: true } } }, {}, "no JSON", false],
  [200, { edge, expect: { status: 200 } }, {}, "Welcome to nginx!", false],
];

test.each(CASES)(
  "status %i with %o, %o and body %j: a proof is %s",
  (status, facts, headers, body, isProof) => {
    const all = { hasPath: false, isIdentified: false, mayRefuse: false, ...facts };
    const answer = { status, headers: new Headers(headers), body };
    // Twice, because a pattern with a memory would answer differently.
    for (const _time of [1, 2]) expect(doubt(answer, all) === undefined).toBe(isProof);
  },
);
