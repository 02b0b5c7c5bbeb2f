/** New compute ids. Apart from the names, so that importing the package loads no generator of random ids. */
import { customAlphabet } from "nanoid";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const newId: () => string = customAlphabet(ALPHABET, 20);

/** A new compute id: 20 characters of `0-9a-z`. */
export function newComputeId(): string {
  return newId();
}
