/** The corpus of raw requests against the Python guard behind the servers that people run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Seen } from "./raw/support/behind.ts";
import { corpus } from "./raw/support/corpus.ts";
import { violations } from "./raw/support/judge.ts";
import { PYTHON_SERVERS, pythonWithServers, startPython } from "./support/python-servers.ts";

const python = pythonWithServers();

/**
 * The verdicts about bytes that these servers read by themselves: the guard sees a request after it is parsed, and cannot tell how its head was
 * written. The laws about credentials hold for these requests, too.
 */
const SETTLED =
  /^c\d+ \w+: .*(?:fold|bare (?:line feed|carriage return)|of 20000 characters|two lengths that agree|'5, 5'|Expect: |waits for permission|the version '|the method '[Gg]et'|two codings|the coding '|chunks beside|beside chunks|with chunks|h2c|two upgrades)/;

describe.skipIf(python === undefined && process.env.CI === undefined)(
  "the Python guard",
  { concurrent: true, timeout: 120_000 },
  () => {
    it.each(PYTHON_SERVERS)(
      `holds the verdicts of all ${corpus.cases.length} raw requests behind $name`,
      async (server) => {
        const folder = mkdtempSync(join(tmpdir(), "atlas-raw-"));
        const notes = join(folder, "notes");
        writeFileSync(notes, "");
        const { token, secret } = corpus;
        const env = { ATLAS_PRESHARED_KEY: token, ATLAS_SIGNING_SECRET: secret, NOTES: notes };
        await using running = await startPython(python ?? "python3", server, env);
        let taken = 0;
        const take = (): Seen[] => {
          const lines = readFileSync(notes, "utf8").split("\n").slice(0, -1);
          const fresh = lines.slice(taken).map((line): Seen => JSON.parse(line));
          taken = lines.length;
          return fresh;
        };
        const found = await violations({ port: running.port, take, isExact: false, isRaw: true });
        const unsettled = found.filter((line) => !SETTLED.test(line));
        expect(unsettled.map((line) => line.slice(0, 200))).toEqual([]);
        // Servers refuse some well-formed requests by rules of their own, but not most.
        const served = readFileSync(notes, "utf8");
        const passing = corpus.cases.filter(({ expect: verdict }) => verdict === "passes");
        const seen = passing.filter(({ id }) => served.includes(id));
        expect(seen.length).toBeGreaterThan(passing.length * 0.8);
        rmSync(folder, { recursive: true });
      },
    );
  },
);
