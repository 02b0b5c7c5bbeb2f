/** The TypeScript and the Python guard give the same verdict on the same request, whatever it holds. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { expect, it } from "vitest";
import { generationSecret } from "../../src/auth/index.ts";
import { type EditedHeader, editAnswer } from "../../src/guard/verdict/answer-edits.ts";
import { allowOrigins } from "../../src/guard/verdict/cors.ts";
import { decide } from "../../src/guard/verdict/decide.ts";
import type { GuardAnswer, GuardPass } from "../../src/guard/verdict/request.ts";
import { type GuardState, toLiveHash } from "../../src/guard/verdict/state.ts";
import {
  type DifferentialRequest,
  type DifferentialState,
  differentialRequest,
  STATES,
} from "./support/differential.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 4_000);
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 3_600);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const BATCH = 2_000;
const EDITED: readonly EditedHeader[] = [
  "cache-control",
  "content-security-policy",
  "location",
  "referrer-policy",
  "set-cookie",
];

it(`the guards agree on ${RUNS} requests of seed ${SEED}`, { timeout: 4_000_000 }, async () => {
  await using python = startJudge();
  const states = STATES.map(toState);
  const kinds = new Map<string, number>();
  const end = Date.now() + SECONDS * 1000;
  let judged = 0;
  while (judged < RUNS && Date.now() < end) {
    const numRuns = Math.min(BATCH, RUNS - judged);
    const requests = fc.sample(differentialRequest, { numRuns, seed: SEED + judged });
    const theirs = await python.judge(requests);
    for (const [index, request] of requests.entries()) {
      const ours = judge(request, states[request.state] as GuardState);
      const kind = String("credential" in ours ? ours.credential : (ours.reason ?? ours.kind));
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      expect(theirs[index], JSON.stringify(request)).toEqual(ours);
    }
    judged += numRuns;
  }
  // A comparison of nothing but refusals would show little.
  const counts = Object.fromEntries([...kinds].toSorted());
  console.info(`${judged} requests judged by both guards: ${JSON.stringify(counts)}`);
  expect(Object.keys(counts)).toEqual(
    expect.arrayContaining(["bearer", "subprotocol", "signed-url", "prefix", "cookie", "none", "opened"]),
  );
});

function startJudge(): {
  judge: (requests: readonly DifferentialRequest[]) => Promise<unknown[]>;
} & AsyncDisposable {
  const child = spawn("python3", [new URL("run_differential.py", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.write(`${JSON.stringify(STATES)}\n`);
  return {
    judge: async (requests) => {
      child.stdin.write(`${JSON.stringify(requests)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error("The Python guard raised an error: see above.");
      return JSON.parse(value);
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

function toState(state: DifferentialState): GuardState {
  return {
    hashes: state.hashes.map((hash) => toLiveHash({ hash, expiresAt: null })),
    signingSecrets: state.secrets.map((secret) => generationSecret(secret, state.generation)),
    schemes: new Set(state.schemes),
    signedMethods: new Set(["GET", "HEAD", ...state.furtherMethods]),
    standing: state.standing,
    origins: allowOrigins(state.origins),
    publicPaths: state.publicPaths,
    computeId: state.computeId,
    isReady: () => true,
    now: state.now * 1000,
  };
}

function judge(request: DifferentialRequest, state: GuardState): Record<string, unknown> {
  const headers = new Map(request.headers);
  const { method, url } = request;
  const verdict = decide({ method, url, header: (name) => headers.get(name) }, state);
  if (verdict.kind === "question") return toAnswer(verdict.refusal, verdict.digest);
  return verdict.kind === "pass" ? toPass(verdict, request) : toAnswer(verdict, null);
}

function toAnswer(
  { kind, status, headers, body, reason }: GuardAnswer,
  digest: string | null,
): Record<string, unknown> {
  return {
    kind,
    status,
    headers,
    body: body === "" ? null : JSON.parse(body),
    reason: reason ?? null,
    digest,
  };
}

function toPass(pass: GuardPass, { answer }: DifferentialRequest): Record<string, unknown> {
  const { kind, credential, url, requestHeaders, headers, folder } = pass;
  const valuesOf = (wanted: string): string[] =>
    answer.filter(([name]) => name === wanted).map(([, value]) => value);
  const edits = editAnswer(pass, valuesOf);
  return {
    kind,
    credential,
    url,
    edits: Object.fromEntries(Object.entries(requestHeaders).map(([name, value]) => [name, value ?? null])),
    headers,
    folder: folder === undefined ? null : { credential: folder.credential, prefix: folder.prefix },
    answer: Object.fromEntries(EDITED.map((name) => [name, edits[name] ?? valuesOf(name)])),
  };
}
