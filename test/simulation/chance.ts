/** Random bytes that every run of a schedule draws again: each process has its own source, so that its ids do not depend on the others. */
import nodeCrypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

/** A source of bytes that look random and are the same in every run. */
export class Chance {
  #state: number;

  constructor(name: string) {
    this.#state = [...name].reduce(
      (hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16_777_619),
      2_166_136_261,
    );
  }

  /** A number from 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Fills the bytes. */
  fill(bytes: Uint8Array): void {
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = this.next() * 256;
  }
}

/** The source that is drawn from now: that of the process whose turn it is. */
let present: Chance = new Chance("before the first turn");

/** Draws from this source from now on. */
export function drawFrom(chance: Chance): void {
  present = chance;
}

/** A random number from 0 up to 1, of the process whose turn it is. */
export function draw(): number {
  return present.next();
}

/** Replaces the random numbers of this program, for as long as it runs: a program that simulates does nothing else. */
export function replaceRandomness(): void {
  const fill = <Bytes extends ArrayBufferView | null>(bytes: Bytes): Bytes => {
    if (bytes !== null) present.fill(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return bytes;
  };
  const randomBytes = (size: number): Buffer => fill(Buffer.alloc(size));
  Object.assign(nodeCrypto, { randomBytes });
  syncBuiltinESMExports();
  globalThis.crypto.getRandomValues = fill;
  Math.random = draw;
}
