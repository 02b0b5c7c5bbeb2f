/** Records of every shape, for property tests. */
import fc from "fast-check";
import type { Port } from "../../provider.ts";
import { type ComputeRecord, liveStatuses, type NewEvent, type TokenHash } from "../../store.ts";

/** Any text but with NUL, which databases cannot hold in a text column. */
const text: fc.Arbitrary<string> = fc.string({ unit: "binary" }).map((value) => value.replaceAll("\0", "0"));
const nullableText = fc.option(text);
const date = fc.date({
  min: new Date("1970-01-01T00:00:00.000Z"),
  max: new Date("2199-12-31T23:59:59.999Z"),
  noInvalidDate: true,
});
const nullableDate = fc.option(date);
const dollars = fc.double({ min: 0, max: 1e6, noNaN: true });
const seconds = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }));
const count = fc.nat({ max: 1e9 });

/** Any JSON value, NUL included. */
const json: fc.Arbitrary<unknown> = fc
  .jsonValue({ stringUnit: "binary" })
  .map((value): unknown => JSON.parse(JSON.stringify(value)));
const jsonObject = fc.dictionary(fc.string({ unit: "binary" }), json, { noNullPrototype: true });

const port: fc.Arbitrary<Port> = fc.record(
  {
    internal: fc.integer({ min: 1, max: 65_535 }),
    protocol: fc.constantFrom("http", "tcp"),
    name: text,
    external: fc.integer({ min: 1, max: 65_535 }),
    url: fc.webUrl(),
    headers: fc.dictionary(text, text, { noNullPrototype: true }),
  },
  { requiredKeys: ["internal", "protocol"], noNullPrototype: true },
);

const token: fc.Arbitrary<TokenHash> = fc.record(
  {
    hash: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 }),
    kind: fc.constantFrom("user", "pod"),
    expiresAt: nullableDate,
  },
  { noNullPrototype: true },
);

const status = fc.constantFrom(...liveStatuses, "terminated" as const, "failed" as const);
const reason = fc.option(
  fc.constantFrom("requested", "idle", "max_lifetime", "boot_timeout", "vanished", "orphan", "exited"),
);

/** Every field of a record except those that identify it. */
export const recordFacts: fc.Arbitrary<Omit<ComputeRecord, "id" | "name" | "namespace" | "idempotencyKey">> =
  fc.record(
    {
      version: count,
      provider: text,
      providerId: nullableText,
      status,
      reason,
      userId: nullableText,
      slot: nullableText,
      tenantId: nullableText,
      gpu: nullableText,
      gpuCount: count,
      region: nullableText,
      ports: fc.array(port, { maxLength: 3 }),
      authSchemes: fc.subarray(["bearer", "signed-url", "cookie"]),
      generation: count,
      signingKeyId: nullableText,
      tokens: fc.uniqueArray(token, { maxLength: 3, selector: ({ hash }) => hash }),
      metadata: fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), {
        noNullPrototype: true,
      }),
      requestHash: text,
      costPerHour: fc.option(dollars),
      costBefore: dollars,
      costSince: nullableDate,
      settledAt: nullableDate,
      idleTimeoutSeconds: seconds,
      maxLifetimeSeconds: seconds,
      maxExtendedLifetimeSeconds: seconds,
      bootTimeoutSeconds: seconds,
      warnBeforeEndSeconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
      actedAt: nullableDate,
      answeredAt: nullableDate,
      lookedAt: nullableDate,
      looks: count,
      warnedEnd: nullableDate,
      createdAt: date,
      updatedAt: date,
      lastActiveAt: date,
      placedAt: nullableDate,
      endedAt: nullableDate,
      absentSince: nullableDate,
      bootDeadline: nullableDate,
      idleDeadline: nullableDate,
      lifetimeDeadline: nullableDate,
      budgetDeadline: nullableDate,
      checkAt: nullableDate,
      dueAt: nullableDate,
      lease: nullableText,
      leaseUntil: nullableDate,
      attempts: count,
      lastError: nullableText,
      reports: jsonObject,
    },
    { noNullPrototype: true },
  );

/** Any event. */
export const newEvent: fc.Arbitrary<NewEvent> = fc.record(
  {
    type: fc.constantFrom("state", "report", "token", "note", "ending-soon"),
    status,
    reason,
    costSoFar: fc.option(dollars),
    data: jsonObject,
  },
  { noNullPrototype: true },
);
