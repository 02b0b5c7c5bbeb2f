/** Finding the name that a misspelt one was meant to be. */
import { closestMatch } from "leven";

/** No name is longer, and comparing a longer text would take long. */
const MAX_LENGTH = 64;
/** Shorter beginnings fit too many names. */
const SHORTEST_BEGINNING = 3;

/**
 * Finds the known name that a misspelt one was meant to be, ignoring case and separators: the first that begins with it, else the nearest one with at
 * most a third of the letters wrong; `undefined` when there is none.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const plain = plainOf(name);
  const byPlain = new Map(known.map((each) => [plainOf(each), each]));
  const begun = [...byPlain.keys()].find(
    (each) => plain.length >= SHORTEST_BEGINNING && each.startsWith(plain),
  );
  const maxDistance = Math.ceil(plain.length / 3);
  const match = byPlain.has(plain)
    ? plain
    : (begun ?? closestMatch(plain, [...byPlain.keys()], { maxDistance }));
  return match === undefined ? undefined : byPlain.get(match);
}

function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]+/g, "");
}
