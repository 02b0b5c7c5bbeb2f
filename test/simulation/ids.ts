/** Random ids in place of the package's. */
import { draw } from "./chance.ts";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** A generator of ids over an alphabet. */
export function customAlphabet(alphabet: string, size: number): () => string {
  return () => Array.from({ length: size }, () => alphabet[Math.floor(draw() * alphabet.length)]).join("");
}

/** An id of 21 characters. */
export const nanoid: () => string = customAlphabet(ALPHABET, 21);
