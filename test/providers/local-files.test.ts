import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { LogLine } from "../../src/provider.ts";
import { type Sighting, toCondition } from "../../src/providers/local/convert.ts";
import {
  findTail,
  formatLine,
  lineSplitter,
  MAX_LINE,
  parseLine,
  readLines,
} from "../../src/providers/local/log-file.ts";
import { parseProcStat, parsePs } from "../../src/providers/local/process-identity.ts";

const now = new Date("2026-01-01T00:00:10Z");
const textWithoutNewline = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\n", ""));
const logLine: fc.Arbitrary<Required<LogLine>> = fc.record({
  line: textWithoutNewline,
  at: fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true }),
  source: fc.constantFrom("container", "system"),
});

async function makeLogPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-log-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "log");
}

function split(pieces: readonly string[]): readonly string[] {
  const lines: string[] = [];
  const splitter = lineSplitter((line) => lines.push(line));
  for (const piece of pieces) splitter.push(piece);
  splitter.flush();
  return lines;
}

test("a line of the log reads back as it was written", () => {
  fc.assert(
    fc.property(logLine, ({ line, at, source }) => {
      expect(parseLine(formatLine(source, line, at).slice(0, -1))).toEqual({ line, at, source });
    }),
  );
});

test("a stream gives the same lines in whatever pieces it comes", () => {
  const character = fc.constantFrom("a", "b", "\n", "\r\n", "漢");
  fc.assert(
    fc.property(fc.array(fc.array(character).map((parts) => parts.join(""))), (pieces) => {
      expect(split(pieces)).toEqual(split([pieces.join("")]));
    }),
  );
});

test("lines lose their line ends, and the last line needs no line end", () => {
  expect(split(["one\r\n\ntw", "o\nthree"])).toEqual(["one", "", "two", "three"]);
});

test("a line without an end is cut into pieces that fit into memory, and none of it is lost", () => {
  const long = "x".repeat(2 * MAX_LINE + 5);
  for (const pieces of [[long], [long, "\n"], [...long.matchAll(/.{1,1000}/g)].map(([piece]) => piece)]) {
    const lines = split(pieces);
    expect(lines.join("")).toBe(long);
    expect(Math.max(...lines.map(({ length }) => length))).toBe(MAX_LINE);
  }
});

test("any number of last lines is found, and reading goes on behind the last whole line", async () => {
  const path = await makeLogPath();
  await fc.assert(
    fc.asyncProperty(fc.array(logLine), fc.nat({ max: 20 }), async (lines, tail) => {
      const written = lines.map(({ source, line, at }) => formatLine(source, line.toWellFormed(), at));
      await writeFile(path, `${written.join("")}half a li`);
      const page = await readLines(path, await findTail(path, tail));
      const expected = lines.slice(Math.max(0, lines.length - tail));
      expect(page.lines).toEqual(expected.map((line) => ({ ...line, line: line.line.toWellFormed() })));
      expect(await readLines(path, page.offset)).toEqual({ lines: [], offset: page.offset });
    }),
    { numRuns: 50 },
  );
});

test("the tail of a log of many blocks is found without reading it from the start", async () => {
  const path = await makeLogPath();
  const lines = Array.from({ length: 20_000 }, (_, index) => formatLine("container", `line ${index}`, now));
  await writeFile(path, lines.join(""));
  const { lines: tail } = await readLines(path, await findTail(path, 3));
  expect(tail.map(({ line }) => line)).toEqual(["line 19997", "line 19998", "line 19999"]);
});

test("a log that is not there has no lines", async () => {
  const path = await makeLogPath();
  expect(await findTail(path, 10)).toBe(0);
  expect(await readLines(path, 0)).toEqual({ lines: [], offset: 0 });
});

test.each([
  ["running", "7 (sh) S 1 7 7 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 1 0 167583 3133440", "167583"],
  ["stopped", "7 (a) b (S) T 1 7 7 0 -1 4194304 99 0 0 0 0 0 0 0 20 0 1 0 5 3133440", "5"],
])("/proc says %s, whatever the program calls itself", (state, text, startMark) => {
  expect(parseProcStat(text)).toEqual({ state, startMark });
});

test.each([
  [
    "a running process",
    "Ss   Thu Jan  1 00:00:00 2026\n",
    { state: "running", startMark: "Thu Jan 1 00:00:00 2026" },
  ],
  [
    "a stopped process",
    "T+   Thu Jan 15 00:00:00 2026\n",
    { state: "stopped", startMark: "Thu Jan 15 00:00:00 2026" },
  ],
  ["a zombie", "Z    Thu Jan  1 00:00:00 2026\n", undefined],
  ["nothing", "", undefined],
])("ps tells of %s", (_, text, expected) => {
  expect(parsePs(text)).toEqual(expected);
});

const identity = { pid: 7, startMark: "5" };
const instance = {
  providerId: "p",
  name: "atlas-a-1",
  owner: "o",
  createdAt: "2026-01-01T00:00:00Z",
  ports: [],
};
const at = "2026-01-01T00:00:05Z";

test.each<[string, Partial<Sighting["entry"]>, Partial<Sighting>, string]>([
  ["an intent", {}, {}, "provisioning"],
  ["an intent of long ago", { instance: { ...instance, createdAt: "2025-12-31T23:00:00Z" } }, {}, "failed"],
  ["an intent whose end was asked for", { endAsked: true }, {}, "terminated"],
  ["a supervisor alone", { process: { supervisor: identity } }, { supervisor: "running" }, "provisioning"],
  [
    "both",
    { process: { supervisor: identity, leader: identity } },
    { supervisor: "running", leader: "running" },
    "running",
  ],
  [
    "a frozen command",
    { process: { supervisor: identity, leader: identity } },
    { supervisor: "running", leader: "stopped" },
    "stopped",
  ],
  [
    "a command alone",
    { process: { supervisor: identity, leader: identity } },
    { leader: "running" },
    "running",
  ],
  [
    "both, to be ended",
    { process: { supervisor: identity, leader: identity }, endAsked: true },
    { supervisor: "running", leader: "running" },
    "terminating",
  ],
  ["neither, without a word", { process: { supervisor: identity, leader: identity } }, {}, "failed"],
  [
    "neither, to be ended",
    { process: { supervisor: identity, leader: identity }, endAsked: true },
    {},
    "terminated",
  ],
  ["an exit with 0", { process: { supervisor: identity, exit: { at, code: 0 } } }, {}, "terminated"],
  ["an exit with 1", { process: { supervisor: identity, exit: { at, code: 1 } } }, {}, "failed"],
  [
    "an end by a signal",
    { process: { supervisor: identity, exit: { at, signal: "SIGSEGV" } } },
    {},
    "failed",
  ],
  [
    "an end that was asked for",
    { process: { supervisor: identity, exit: { at, signal: "SIGTERM" } }, endAsked: true },
    {},
    "terminated",
  ],
  [
    "a command that could not start",
    { process: { supervisor: identity, exit: { at, refusal: "ENOENT" } } },
    {},
    "failed",
  ],
])("%s means an instance that is in its state", (_, entry, seen, status) => {
  const whole = { folder: "", instance, process: undefined, endAsked: false, ...entry };
  const sighting = { supervisor: undefined, leader: undefined, ...seen, entry: whole };
  expect(toCondition(sighting, now).status).toBe(status);
});
