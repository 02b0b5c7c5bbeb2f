import type { Clock } from "../../clock.ts";
import type { AtlasError } from "../../errors.ts";
import { BoundedMap } from "../../internal/bounded-map.ts";
import { isToken, isTokenHash } from "../../internal/token-shape.ts";
import { hashToken } from "../token.ts";
import { type Authenticator, rejected, toVerifyError } from "./authenticator.ts";

/** The bounds of the memory: the age of answers in seconds, and their number. */
export interface CacheSettings {
  readonly ttlSeconds: number;
  readonly maxStaleSeconds: number;
  readonly negativeTtlSeconds: number;
  readonly maxEntries: number;
  readonly maxNegativeEntries: number;
  readonly clock: Clock;
}

/** An authenticator that remembers answers for a while, and forgets them when it is told to. */
export interface CachedAuthenticator<Identity> extends Authenticator<Identity> {
  /** The number of answers that it holds or waits for. */
  readonly size: number;
  /**
   * Rejects the credential from now on, here in this process: neither a remembered answer nor one on its way counts.
   * After `maxStaleSeconds`, when no other process can remember it either, the source is asked again. Revoke it there first.
   *
   * @param credential - The token, or its hash.
   */
  revoke(credential: string): void;
  /** Forgets the answers about one credential (a token or its hash), or about all: the next request asks the source. */
  invalidate(credential?: string): void;
}

type CacheAnswer<Identity> = { readonly identity: Identity } | { readonly error: AtlasError };

/** Answers of an authenticator, by the hash of the credential. */
export class IdentityCache<Identity> implements CachedAuthenticator<Identity> {
  readonly #source: Authenticator<Identity>;
  readonly #settings: CacheSettings;
  readonly #accepted: BoundedMap<string, { readonly identity: Identity; readonly askedAt: number }>;
  readonly #refused: BoundedMap<string, { readonly askedAt: number }>;
  /** The hashes that are rejected without a question, each until this time in milliseconds. */
  readonly #revoked = new Map<string, number>();
  /** The open questions. An answer counts only when its question is still here. */
  readonly #asking = new Map<string, Promise<CacheAnswer<Identity> | undefined>>();

  constructor(source: Authenticator<Identity>, settings: CacheSettings) {
    this.#source = source;
    this.#settings = settings;
    this.#accepted = new BoundedMap(settings.maxEntries);
    this.#refused = new BoundedMap(settings.maxNegativeEntries);
  }

  get size(): number {
    return this.#accepted.size + this.#refused.size + this.#asking.size;
  }

  async verify(candidate: unknown): Promise<Identity> {
    if (!isToken(candidate)) throw rejected();
    return this.#verify(candidate, hashToken(candidate));
  }

  async #verify(token: string, hash: string): Promise<Identity> {
    const { ttlSeconds, maxStaleSeconds } = this.#settings;
    if (this.#isRefused(hash)) throw rejected();
    const known = this.#accepted.get(hash);
    if (known !== undefined && this.#isYounger(known, ttlSeconds)) return known.identity;
    const asking = this.#ask(token, hash);
    if (known !== undefined && this.#isYounger(known, maxStaleSeconds)) return known.identity;
    const answer = await asking;
    if (answer === undefined) return this.#verify(token, hash);
    if ("error" in answer) throw answer.error;
    return answer.identity;
  }

  revoke(credential: string): void {
    const now = this.#now();
    for (const [hash, until] of this.#revoked) if (until <= now) this.#revoked.delete(hash);
    const until = now + this.#settings.maxStaleSeconds * 1000;
    for (const hash of hashesOf(credential)) this.#revoked.set(hash, until);
    this.invalidate(credential);
  }

  invalidate(credential?: string): void {
    const maps = [this.#accepted, this.#refused, this.#asking];
    for (const map of maps) {
      if (credential === undefined) map.clear();
      else for (const hash of hashesOf(credential)) map.delete(hash);
    }
  }

  #isRefused(hash: string): boolean {
    if ((this.#revoked.get(hash) ?? 0) > this.#now()) return true;
    const refusal = this.#refused.get(hash);
    return refusal !== undefined && this.#isYounger(refusal, this.#settings.negativeTtlSeconds);
  }

  /** The one question under way about this credential. It never rejects: `undefined` says that the answer came too late to count. */
  #ask(token: string, hash: string): Promise<CacheAnswer<Identity> | undefined> {
    const current = this.#asking.get(hash);
    if (current !== undefined) return current;
    const askedAt = this.#now();
    const asking: Promise<CacheAnswer<Identity> | undefined> = this.#answer(token).then((answer) => {
      if (this.#asking.get(hash) !== asking) return undefined;
      this.#asking.delete(hash);
      this.#remember(hash, answer, askedAt);
      return answer;
    });
    this.#asking.set(hash, asking);
    return asking;
  }

  async #answer(token: string): Promise<CacheAnswer<Identity>> {
    try {
      return { identity: await this.#source.verify(token) };
    } catch (error) {
      return { error: toVerifyError(error, "the authenticator") };
    }
  }

  /** An outage changes nothing: a known identity stays known until it is too old. */
  #remember(hash: string, answer: CacheAnswer<Identity>, askedAt: number): void {
    if ("identity" in answer) this.#accepted.set(hash, { identity: answer.identity, askedAt });
    else if (answer.error.code === "UNAUTHORIZED") {
      this.#accepted.delete(hash);
      this.#refused.set(hash, { askedAt });
    }
  }

  /** Ages count from the question, for the answer may have been true only then. A clock that was set back makes everything old. */
  #isYounger({ askedAt }: { readonly askedAt: number }, seconds: number): boolean {
    const age = this.#now() - askedAt;
    return age >= 0 && age < seconds * 1000;
  }

  #now(): number {
    return this.#settings.clock.now().getTime();
  }
}

/** A text that looks like a hash may be a token, too: both are meant. */
function hashesOf(credential: string): readonly string[] {
  const hash = hashToken(credential);
  return isTokenHash(credential) ? [credential, hash] : [hash];
}
