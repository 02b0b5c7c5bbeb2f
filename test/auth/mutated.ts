import fc from "fast-check";
import { anyCharacter } from "./arbitraries.ts";

/** Characters that parsers of paths, queries and cookies treat in their own way. */
const INTERESTING = [
  ..."/.%;=&?#\\+ ,\"':@~-_0aZ\t\n\0\u00a0é",
  "%2f",
  "%2e",
  "%5c",
  "%25",
  "%00",
  "%41",
  "..",
  "//",
  "/./",
  ";/",
];

const edit = fc.record({
  kind: fc.constantFrom("insert", "replace", "delete", "double", "swap", "case", "escape"),
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  length: fc.integer({ min: 1, max: 4 }),
  text: fc.oneof(fc.constantFrom(...INTERESTING), fc.string({ unit: anyCharacter, maxLength: 3 })),
});

type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

/** Texts that a few edits make of one of the given texts. */
export function mutated(...originals: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(edit, { minLength: 1, maxLength: 3 }))
    .map(([original, edits]) => edits.reduce(applyEdit, original));
}

function applyEdit(text: string, { kind, at, length, text: added }: Edit): string {
  const start = Math.floor(at * text.length);
  const [before, part, after] = [
    text.slice(0, start),
    text.slice(start, start + length),
    text.slice(start + length),
  ];
  const parts: Readonly<Record<Edit["kind"], string>> = {
    insert: added + part,
    replace: added,
    delete: "",
    double: part + part,
    swap: [...part].toReversed().join(""),
    case: part === part.toUpperCase() ? part.toLowerCase() : part.toUpperCase(),
    escape: [...Buffer.from(part)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  };
  return before + parts[kind] + after;
}
