/** Laws of failures: their codes, and the instances that they leave behind. */
import assert from "node:assert/strict";
import type { CallContext } from "../../call-context.ts";
import { type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import type { InstanceReference } from "../../provider.ts";
import type { Law, Laws, Scene } from "./scene.ts";
import type { FaultyOperation, LawFault, ProviderTraits } from "./subject.ts";

/** Codes of a create after which an instance may or may not exist. */
const OPEN: readonly AtlasErrorCode[] = ["TIMEOUT", "TRANSPORT", "PROVIDER", "UNAVAILABLE"];

/** The code of each clean refusal of a create. None of them leaves an instance. */
const REFUSALS: Readonly<Partial<Record<LawFault, AtlasErrorCode>>> = {
  capacity: "CAPACITY",
  quota: "QUOTA",
  "refused-pool": "FORBIDDEN",
  balance: "BILLING",
  "bad-key": "AUTH_ERROR",
  invalid: "VALIDATION",
};

/** The number of instances that each failure with an unknown outcome leaves behind. */
const UNKNOWN_OUTCOMES: Readonly<Partial<Record<LawFault, 0 | 1>>> = {
  "timeout-before": 0,
  "timeout-after": 1,
  "connection-before": 0,
  "connection-after": 1,
  "error-before": 0,
  "error-after": 1,
  "unreadable-after": 1,
};

/** The codes of a read or a terminate that keeps failing. */
const READ_FAILURES: Readonly<Partial<Record<LawFault, readonly AtlasErrorCode[]>>> = {
  "bad-key": ["AUTH_ERROR"],
  "refused-pool": ["FORBIDDEN", "AUTH_ERROR"],
  "rate-limit": ["RATE_LIMIT"],
  "timeout-before": OPEN,
  "connection-before": OPEN,
  "error-before": OPEN,
  malformed: OPEN,
  partial: OPEN,
};

const READS = ["get", "list", "find", "terminate"] as const;

/** More faults than any adapter has retries. */
const ALWAYS = 10;

export const faultLaws: Laws = (law, traits) => {
  for (const [fault, code] of declared(REFUSALS, traits, "create")) refusalLaw(law, fault, code);
  for (const [fault, left] of declared(UNKNOWN_OUTCOMES, traits, "create"))
    unknownOutcomeLaw(law, fault, left);
  if (traits.faults?.create?.includes("rate-limit")) rateLimitLaw(law);
  for (const operation of ["create", ...READS] as const)
    if (traits.faults?.[operation]?.includes("hang")) hangLaw(law, operation);
  for (const operation of READS)
    for (const [fault, codes] of declared(READ_FAILURES, traits, operation))
      readLaw(law, operation, fault, codes);
  abortLaw(law);
};

function declared<Verdict>(
  table: Readonly<Partial<Record<LawFault, Verdict>>>,
  { faults }: ProviderTraits,
  operation: FaultyOperation,
): (readonly [LawFault, Verdict])[] {
  return (faults?.[operation] ?? []).flatMap((fault) => {
    const verdict = table[fault];
    return verdict === undefined ? [] : [[fault, verdict] as const];
  });
}

function refusalLaw(law: Law, fault: LawFault, code: AtlasErrorCode): void {
  law(`a create refused for ${fault} is ${code}, leaves nothing, and was attempted once`, async (scene) => {
    const name = scene.name();
    provoke(scene, "create", fault, 1);
    const error = await scene.refusal(scene.create({ name }));
    assert.ok(isAtlasError(error));
    assert.equal(error.code, code);
    assert.notEqual(error.mayHaveCreated, true);
    assert.deepEqual(await scene.alive(), []);
    await scene.create({ name });
    assert.equal((await scene.alive()).length, 1);
  });
}

function unknownOutcomeLaw(law: Law, fault: LawFault, left: 0 | 1): void {
  law(`a create that meets ${fault} reports an unknown outcome, and is not repeated`, async (scene) => {
    const name = scene.name();
    provoke(scene, "create", fault, 1);
    const error = await scene.refusal(scene.create({ name }));
    assert.ok(isOpen(error), `it is open: ${isAtlasError(error) ? error.code : "no AtlasError"}`);
    assert.equal((await scene.alive()).length, left);
    await scene.graceToPass();
    assert.deepEqual(
      (await scene.named(name)).map((instance) => instance.name),
      Array(left).fill(name),
    );
  });
}

function isOpen(error: unknown): boolean {
  if (!isAtlasError(error)) return true;
  return OPEN.includes(error.code) && error.mayHaveCreated !== false;
}

function rateLimitLaw(law: Law): void {
  law(
    "a create that meets a rate limit is repeated or refused, and makes one instance at most",
    async (scene) => {
      provoke(scene, "create", "rate-limit", 1);
      const outcome = await scene.settle(
        scene.create().then(
          () => 1,
          (error: unknown) => {
            assert.ok(isAtlasError(error) && error.code === "RATE_LIMIT");
            return 0;
          },
        ),
      );
      assert.equal((await scene.alive()).length, outcome);
    },
  );

  law("a create that meets nothing but rate limits is RATE_LIMIT, and leaves nothing", async (scene) => {
    provoke(scene, "create", "rate-limit", ALWAYS);
    const error = await scene.refusal(scene.create());
    assert.ok(isAtlasError(error));
    assert.equal(error.code, "RATE_LIMIT");
    assert.deepEqual(await scene.alive(), []);
  });
}

function hangLaw(law: Law, operation: FaultyOperation): void {
  law(
    `a ${operation} that hangs ends with its signal, by an error that leaves the outcome open`,
    async (scene) => {
      const created = operation === "create" ? undefined : await scene.createShown();
      const request = await scene.request();
      const giveUp = new AbortController();
      const context = { ...scene.context(giveUp.signal), requestTimeoutSeconds: 3600 };
      provoke(scene, operation, "hang", 1);
      const refusal = scene.refusal(
        created === undefined
          ? scene.provider.create(request, context)
          : call(scene, operation, created, context),
      );
      await scene.subject.advance(0.1);
      giveUp.abort();
      assert.ok(isOpen(await refusal));
    },
  );
}

function readLaw(
  law: Law,
  operation: FaultyOperation,
  fault: LawFault,
  codes: readonly AtlasErrorCode[],
): void {
  law(`a ${operation} that meets ${fault} throws, and never reports an absence`, async (scene) => {
    const created = await scene.createShown();
    provoke(scene, operation, fault, ALWAYS);
    const context = fault === "timeout-before" ? inAHurry(scene) : scene.context();
    const error = await scene.refusal(call(scene, operation, created, context));
    assert.ok(isAtlasError(error));
    assert.ok(codes.includes(error.code), `${error.code} is one of ${codes.join(", ")}`);
  });
}

/** A call that hangs is not awaited to its end: a request that also runs out of time does not change the verdict. */
function inAHurry(scene: Scene): CallContext {
  return { ...scene.context(), requestTimeoutSeconds: 0.05 };
}

function abortLaw(law: Law): void {
  law("a call whose signal has aborted already rejects, and does nothing", async (scene) => {
    const context = scene.context(AbortSignal.abort());
    const created = await scene.createShown();
    for (const operation of ["get", "list", "terminate"] as const)
      await scene.refusal(call(scene, operation, created, context));
    const request = await scene.request();
    await scene.refusal(scene.provider.create(request, context));
    assert.deepEqual(
      (await scene.alive()).map(({ name }) => name),
      [created.name],
    );
  });
}

function provoke({ subject }: Scene, operation: FaultyOperation, fault: LawFault, times: number): void {
  assert.ok(subject.fault !== undefined, "a provider that declares faults can provoke them");
  subject.fault(operation, fault, times);
}

async function call(
  { provider, prefix }: Scene,
  operation: FaultyOperation,
  reference: InstanceReference,
  context: CallContext,
): Promise<unknown> {
  if (operation === "get") return provider.get(reference, context);
  if (operation === "list") return provider.list({ namePrefix: prefix }, context);
  if (operation === "find") return provider.find?.(reference.name, context);
  return provider.terminate(reference, context);
}
