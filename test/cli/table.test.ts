import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { type Column, facts, table } from "../../src/cli/table.ts";
import { duration, plain } from "../../src/cli/text.ts";

type Row = readonly string[];

const COLUMNS: readonly Column<Row>[] = [
  { title: "ID", cell: ([id = ""]) => id },
  { title: "USER", cell: ([, user = ""]) => user, order: 1 },
  { title: "REASON", cell: ([, , reason = ""]) => reason },
  { title: "GPU", cell: ([, , , gpu = ""]) => gpu, order: 2 },
];

const word = fc.string({ unit: "binary", maxLength: 40 });
const rows = fc.array(fc.tuple(word, word, word, word), { minLength: 1, maxLength: 8 });

function linesOf(text: string): string[] {
  expect(text.endsWith("\n")).toBe(true);
  return text.slice(0, -1).split("\n");
}

describe("a table", () => {
  it("has a line for each row, and fits any terminal of a usual width, whatever its cells hold", () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 40, max: 200 }), (cells, width) => {
        const lines = linesOf(table(cells, COLUMNS, width));
        expect(lines).toHaveLength(cells.length + 1);
        expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it("leaves the least important columns out first, and cuts a cell only then", () => {
    const row = ["3f9k2m7q0x1c8v5b4n6z", "user_42", "requested", "rtx-4090"];
    expect(table([row], COLUMNS, 80)).toContain("GPU");
    expect(table([row], COLUMNS, 42).split("\n")[0]).toBe("ID                    USER     REASON");
    expect(table([row], COLUMNS, 33).split("\n")[0]).toBe("ID                    REASON");
    expect(table([row], COLUMNS, 26)).toBe("ID               REASON\n3f9k2m7q0x1c8v…  requested\n");
  });

  it("leaves nothing out where output is a file", () => {
    const reason = "x".repeat(500);
    expect(table([["id", "user", reason, "gpu"]], COLUMNS, undefined)).toContain(reason);
  });

  it("counts wide characters by the columns that they take", () => {
    const [, first = "", second = ""] = linesOf(
      table(
        [
          ["日本", "a", "b", "c"],
          ["abcd", "a", "b", "c"],
        ],
        COLUMNS,
        80,
      ),
    );
    expect(first).toBe("日本  a     b       c");
    expect(second).toBe("abcd  a     b       c");
  });
});

describe("plain", () => {
  it("leaves no character that a terminal obeys, and all others", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(plain(text)).not.toMatch(/[^\P{Cc}\t]/u);
      }),
    );
    fc.assert(fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => plain(text) === text));
    expect(plain("\u001b[2Ja\u001b]8;;http://evil\u0007link\u001b]8;;\u0007\r\nb\u009b31mc")).toMatch(
      /^a.*link.*b.*c$/,
    );
  });
});

describe("facts", () => {
  it("puts values below each other, and leaves out what is not known", () => {
    expect(
      facts([
        ["id", "a"],
        ["gpu", undefined],
        ["ends in", "5m"],
      ]),
    ).toBe("id       a\nends in  5m\n");
  });
});

describe("duration", () => {
  it.each([
    [-5, "0s"],
    [59.9, "59s"],
    [60, "1m"],
    [3599, "59m 59s"],
    [7260, "2h 1m"],
    [90_000, "1d 1h"],
  ])("tells %d seconds as %s", (seconds, words) => expect(duration(seconds)).toBe(words));
});
