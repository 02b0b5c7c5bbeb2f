import { describe, expect, it } from "vitest";
import { hashToken } from "../../src/auth/index.ts";
import type { ComputeRow } from "./database.ts";
import { type Evidence, findingsOf } from "./findings.ts";
import type { EndReport, PodReport } from "./messages.ts";

const row: ComputeRow = {
  id: "c1",
  name: "atlas-default-c1",
  status: "running",
  reason: null,
  providerId: "pod-1",
  userId: "user-1",
  tokens: [{ hash: hashToken("token-1") }],
};
const pod: PodReport = {
  id: "pod-1",
  name: row.name,
  userId: "user-1",
  isAlive: true,
  isStranger: false,
  hasVanished: false,
  env: { ATLAS_COMPUTE_ID: "c1", ATLAS_PRESHARED_KEY: "token-1" },
};
const end: EndReport = { podId: "pod-1", worker: "reaper-1", call: "call-1", lease: "lease-1" };
const provider = {
  requests: 1,
  faults: {},
  pods: [pod],
  ends: [],
  peaks: { computes: 1, computesPerUser: 1, costPerHour: 1, costPerHourPerUser: 1 },
};
const clean: Evidence = {
  rows: [row],
  provider,
  handed: [{ computeId: "c1", secrets: ["token-1"] }],
  frozen: new Set(),
  peaks: { "at the provider": provider.peaks },
  texts: { "the database": "c1" },
  apiKey: "key-1",
};
const withEnds = (...ends: readonly Partial<EndReport>[]): Partial<Evidence> => ({
  provider: { ...provider, ends: ends.map((one) => ({ ...end, ...one })) },
});

describe("the judge of a chaos run", () => {
  it("finds nothing in a clean run", () => {
    expect(findingsOf(clean)).toEqual([]);
    expect(findingsOf({ ...clean, ...withEnds({}, {}) })).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, RegExp]>([
    ["an instance without a live row", { rows: [{ ...row, status: "terminated" }] }, /pod-1 .* no live row/],
    ["an instance that another row points to", { rows: [{ ...row, name: "x" }] }, /pod-1 .* no live row/],
    [
      "a live row without an instance",
      { provider: { ...provider, pods: [{ ...pod, isAlive: false }] } },
      /c1 is running and has no instance/,
    ],
    ["a row that is not settled", { rows: [{ ...row, status: "uncertain" }] }, /c1 is still uncertain/],
    [
      "a second create of one name",
      { provider: { ...provider, pods: [pod, { ...pod, id: "pod-2", isAlive: false }] } },
      /atlas-default-c1 was created twice/,
    ],
    [
      "a limit that was exceeded",
      { peaks: { "by the rows": { computes: 151 } } },
      /computes is 150, and was 151/,
    ],
    [
      "two calls under one lease",
      withEnds({}, { call: "call-2", worker: "reaper-2" }),
      /reaper-1 and reaper-2/,
    ],
    [
      "a stranger that was touched",
      {
        provider: {
          ...provider,
          pods: [pod, { ...pod, id: "pod-2", name: "x", isStranger: true, isAlive: false }],
        },
      },
      /pod-2 .* somebody else's/,
    ],
    ["a compute handed out and abandoned", { rows: [{ ...row, reason: "abandoned" }] }, /then abandoned/],
    ["a compute called vanished", { rows: [{ ...row, reason: "vanished" }] }, /did not vanish/],
    ["a token that is not the pod's", { handed: [{ computeId: "c1", secrets: ["other"] }] }, /not its pod's/],
    ["a token told twice", { handed: [...clean.handed, ...clean.handed] }, /handed out as new twice/],
    ["a token in the database", { texts: { "the database": "c1 token-1" } }, /1 secrets are in the database/],
    ["the API key in the logs", { texts: { "the logs": "key-1" } }, /1 secrets are in the logs/],
  ])("finds %s", (_, change, finding) => {
    expect(findingsOf({ ...clean, ...change })).toEqual([expect.stringMatching(finding)]);
  });

  it("lets a process that was frozen go on with a call, and two leases call once each", () => {
    const calls = withEnds({}, { call: "call-2", worker: "reaper-2" });
    expect(findingsOf({ ...clean, ...calls, frozen: new Set(["reaper-2"]) })).toEqual([]);
    expect(findingsOf({ ...clean, ...withEnds({}, { call: "call-2", lease: "lease-2" }) })).toEqual([]);
  });
});
