/** The ways in which a foreign text may spell a secret: plain or with escapes, in base64, in hex, whole or cut off. */

/** One way to spell a secret. */
export interface Spelling {
  /** Replaces every occurrence in a text, also those that are cut off. */
  replace(text: string, by: string): string;
}

/** A secret cut off behind so many characters is still worth hiding: the rest of a cut text may stand elsewhere. */
const SHORTEST_PREFIX = 12;

/** Fewer characters than this would be found by chance. */
const SHORTEST = 4;

/** Every spelling of a secret. */
export function spellingsOf(secret: string): readonly Spelling[] {
  const bytes = Buffer.from(secret, "utf8");
  const prefix = Math.min(bytes.length, SHORTEST_PREFIX);
  const beginning = [...secret].slice(0, SHORTEST_PREFIX).join("");
  return [
    searching([...onOneLine(secret)], [...onOneLine(beginning)].length, TEXT),
    ...[0, 1, 2].map((offset) => base64At(bytes, offset, prefix)),
    searching([...bytes.toString("hex")], prefix * 2, HEX),
    { replace: (text, by) => text.replaceAll(secret, by) },
  ];
}

/**
 * Backslashes are not compared, because escapes add some; a stretch of white space (and of `+`, its form in a URL) counts as one
 * space, because excerpts make it one.
 */
function onOneLine(secret: string): string {
  return secret.replaceAll(/\\+/g, "").replaceAll(/[\s\p{Cc}+]+/gu, " ");
}

/**
 * The base64 of a secret that stands so many bytes behind the beginning of a group. The characters at its ends that also depend on other
 * bytes are not the secret's.
 */
function base64At(bytes: Buffer, offset: number, prefix: number): Spelling {
  const lead = Math.ceil((offset * 8) / 6);
  const determined = (length: number): number => Math.floor(((offset + length) * 8) / 6) - lead;
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  return searching([...text.slice(lead, lead + determined(bytes.length))], determined(prefix), BASE64);
}

/** Makes two characters comparable that mean the same in an encoding. */
type Fold = (character: string) => string;

/** The characters of an encoding. */
interface Alphabet {
  readonly fold: Fold;
  /** The spellings of a character that has several. */
  readonly alike: Readonly<Record<string, string>>;
  /** Finds what may stand between two characters: a break of a long line, or what parts bytes. */
  readonly gap: RegExp;
}

const TEXT: Alphabet = {
  fold: (character) => character,
  alike: { " ": " +\n\r\t" },
  gap: /\r?\n/y,
};
const HEX: Alphabet = {
  fold: (character) => character.toLowerCase(),
  alike: { a: "aA", b: "bB", c: "cC", d: "dD", e: "eE", f: "fF" },
  gap: /[\s:]{1,2}/y,
};
const BASE64: Alphabet = {
  fold: (character) => (character === "-" ? "+" : character === "_" ? "/" : character),
  alike: { "+": "+-", "/": "/_" },
  gap: /\r?\n/y,
};

/** Searches for these characters, of which at least the first `minimum` (all, where there are fewer) must be there. */
function searching(wanted: readonly string[], minimum: number, alphabet: Alphabet): Spelling {
  const { fold, gap } = alphabet;
  const least = Math.min(minimum, wanted.length);
  const starts = startsOf(wanted[0] ?? "", alphabet);
  return {
    replace: (text, by) => {
      if (least < SHORTEST || text.length < least) return text;
      const kept: string[] = [];
      let last = 0;
      for (let at = text.search(starts); at >= 0; at = nextStart(starts, text, at + 1)) {
        const end = Math.max(...ORDERS.map((order) => endOf(text, at, { wanted, least, fold, gap, order })));
        if (end === 0) continue;
        kept.push(text.slice(last, at), by);
        last = end;
        at = last - 1;
      }
      return last === 0 ? text : kept.join("") + text.slice(last);
    },
  };
}

/** Finds where a spelling can begin: at its first character, or at an escape. */
function startsOf(first: string, { alike }: Alphabet): RegExp {
  const codes = [...(alike[first] ?? first), "\\", "%", "&"].map((text) => text.charCodeAt(0));
  return new RegExp(`[${codes.map((code) => `\\u${code.toString(16).padStart(4, "0")}`).join("")}]`, "g");
}

function nextStart(starts: RegExp, text: string, from: number): number {
  starts.lastIndex = from;
  return starts.exec(text)?.index ?? -1;
}

/** A character can stand for itself or be an escape's first one: both readings are tried. */
const ORDERS = ["literal", "escaped"] as const;

interface Search {
  readonly wanted: readonly string[];
  readonly least: number;
  readonly fold: Fold;
  readonly gap: RegExp;
  readonly order: (typeof ORDERS)[number];
}

/** The end of the longest match from here, or 0. */
function endOf(text: string, start: number, { wanted, least, fold, gap, order }: Search): number {
  let at = start;
  let count = 0;
  for (const character of wanted) {
    const skipped = count === 0 || character === " " ? 0 : (matchAt(gap, text, at)?.[0].length ?? 0);
    const length = lengthOf(text, at + skipped, character, { fold, order });
    if (length === 0) break;
    at += skipped + length;
    count += 1;
  }
  return count >= least ? at : 0;
}

/** The number of characters by which the text spells this one here; 0 when it does not. */
function lengthOf(
  text: string,
  at: number,
  character: string,
  { fold, order }: Pick<Search, "fold" | "order">,
): number {
  if (character === " ") return matchAt(SPACES, text, at)?.[0].length ?? 0;
  const literal = fold(text.substr(at, character.length)) === character ? character.length : 0;
  if (order === "literal" && literal > 0) return literal;
  const first = text.charCodeAt(at);
  if (first === BACKSLASH)
    return (
      bytesLength(text, at, { character, fold, byte: ESCAPED_BYTE }) || jsonLength(text, at, character, fold)
    );
  if (first === PERCENT) return bytesLength(text, at, { character, fold, byte: PERCENT_BYTE }) || literal;
  if (first === AMPERSAND) return entityLength(text, at, character, fold) || literal;
  return literal;
}

const BACKSLASH = 92;
const PERCENT = 37;
const AMPERSAND = 38;

/** White space and control characters as they are, in a form (`+`), in JSON, in a URL or in HTML. */
const SPACES =
  /(?:[\s\p{Cc}+]|\\{1,16}(?:[bfnrt]|(?:u00|x)(?:[01][0-9a-f]|20|2b|7f))|%(?:25){0,4}(?:[01][0-9a-f]|20|2b|7f)|&(?:amp;){0,4}#(?:[12]?[0-9]|3[012]|43|127|x(?:[01]?[0-9a-f]|20|2b|7f));){1,64}/iuy;
/** So many that an escape of an escape of an escape is read, and few enough that a flood of them costs nothing. */
const BACKSLASHES = /\\{1,16}/y;
const UNICODE = /u([0-9a-f]{4})/iy;

/** The length of a JSON escape of this character. Escapes of escapes have more backslashes; a secret's own are not compared. */
function jsonLength(text: string, at: number, character: string, fold: Fold): number {
  const slashes = matchAt(BACKSLASHES, text, at)?.[0].length ?? 0;
  const behind = at + slashes;
  const unicode = unicodeLength(text, behind, character, fold);
  if (unicode > 0) return slashes + unicode;
  return fold(text.substr(behind, character.length)) === character ? slashes + character.length : 0;
}

/** The length of the one or two `uXXXX` that stand for this character. */
function unicodeLength(text: string, at: number, character: string, fold: Fold): number {
  let spelled = "";
  let end = at;
  while (spelled.length < character.length) {
    if (spelled !== "") end += matchAt(BACKSLASHES, text, end)?.[0].length ?? 0;
    const code = matchAt(UNICODE, text, end)?.[1];
    if (code === undefined) return 0;
    spelled += String.fromCharCode(Number.parseInt(code, 16));
    end += 5;
  }
  return fold(spelled) === character ? end - at : 0;
}

/** One byte in URL encoding, also when its `%` was encoded again. */
const PERCENT_BYTE = /%(?:25){0,4}([0-9a-f]{2})/iy;
/** One byte as logs and programs escape it. */
const ESCAPED_BYTE = /\\{1,16}x([0-9a-f]{2})/iy;

interface EscapedBytes {
  readonly character: string;
  readonly fold: Fold;
  /** Finds one byte, in hex. */
  readonly byte: RegExp;
}

function bytesLength(text: string, at: number, { character, fold, byte }: EscapedBytes): number {
  const wanted = Buffer.byteLength(character, "utf8");
  const bytes: number[] = [];
  let end = at;
  while (bytes.length < wanted) {
    const found = matchAt(byte, text, end);
    if (found === null) return 0;
    bytes.push(Number.parseInt(found[1] ?? "", 16));
    end += found[0].length;
  }
  return fold(Buffer.from(bytes).toString("utf8")) === character ? end - at : 0;
}

/** A character in HTML, also when its `&` was encoded again. */
const ENTITY = /&(?:amp;){0,4}(?:#([0-9]{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/iy;
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function entityLength(text: string, at: number, character: string, fold: Fold): number {
  const [whole = "", decimal, hex, name] = matchAt(ENTITY, text, at) ?? [];
  if (whole === "") return 0;
  const code = Number.parseInt(decimal ?? hex ?? "", decimal === undefined ? 16 : 10);
  const spelled = name === undefined ? fromCode(code) : NAMED[name.toLowerCase()];
  return spelled !== undefined && fold(spelled) === character ? whole.length : 0;
}

function fromCode(code: number): string | undefined {
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : undefined;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
