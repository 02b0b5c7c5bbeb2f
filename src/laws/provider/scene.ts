/** One test's view of a provider: its calls, the instances behind it, and the secrets that no answer may hold. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import type { CallContext } from "../../call-context.ts";
import { isAtlasError } from "../../errors.ts";
import type {
  CreateRequest,
  Instance,
  InstanceReference,
  PlacementRequest,
  Provider,
} from "../../provider.ts";
import type { ExistingInstance, ProviderTraits, ProviderUnderTest } from "./subject.ts";

/** States one law: `body` runs on a provider of its own. */
export type Law = (name: string, body: (scene: Scene) => Promise<void>) => void;

/** A part of the suite; which of its laws apply follows from the traits. */
export type Laws = (law: Law, traits: ProviderTraits) => void;

/** The fields in which a create differs from the default of most laws. */
export interface CreateWishes {
  readonly name?: string;
  readonly placement?: PlacementRequest;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const FIRST_WAIT_SECONDS = 0.05;

/** A provider under test, with a namespace of its own so that tests do not meet. */
export class Scene {
  readonly subject: ProviderUnderTest;
  readonly owner: string = `owner-${word(8)}`;
  /** Values in every environment that must not appear in any result or error. */
  readonly envSecrets: readonly string[] = [word(32), `${word(16)} "quoted" ${word(16)}`];
  /** The prefix of every name, as long as a prefix can be. */
  readonly prefix: string = `atlas-l${word(19)}-`;

  constructor(subject: ProviderUnderTest) {
    this.subject = subject;
  }

  get provider(): Provider {
    return this.subject.provider;
  }

  context(signal: AbortSignal = new AbortController().signal): CallContext {
    return { signal, requestTimeoutSeconds: this.subject.requestTimeoutSeconds ?? 5 };
  }

  /** A name of the longest form there is, new or with this id. */
  name(id: string = word(20)): string {
    return this.prefix + id;
  }

  /** A create's argument, for the first candidate. */
  async request(wishes: CreateWishes = {}): Promise<CreateRequest> {
    const { placement = this.subject.placement, name = this.name(), env = {} } = wishes;
    const candidates = await this.settle(this.provider.candidates(placement, this.context()));
    const [candidate] = candidates;
    assert.ok(candidate !== undefined, "there is a candidate");
    return { ...placement, candidate, name, owner: this.owner, env: { ...this.#env(name), ...env } };
  }

  async create(wishes: CreateWishes = {}): Promise<Instance> {
    const request = await this.request(wishes);
    return this.settle(this.provider.create(request, this.context(wishes.signal)));
  }

  /** Creates an instance, and waits until its absence from an answer would prove something. */
  async createShown(wishes: CreateWishes = {}): Promise<Instance> {
    const instance = await this.create(wishes);
    await this.graceToPass();
    return instance;
  }

  async graceToPass(): Promise<void> {
    await this.subject.advance(this.provider.absenceGraceSeconds);
  }

  get(reference: InstanceReference): Promise<Instance | undefined> {
    return this.settle(this.provider.get(reference, this.context()));
  }

  list(namePrefix: string = this.prefix): Promise<readonly Instance[]> {
    return this.settle(this.provider.list({ namePrefix }, this.context()));
  }

  /** Every instance of exactly this name, the way a caller looks one up. */
  async named(name: string): Promise<readonly Instance[]> {
    if (this.provider.find) return this.settle(this.provider.find(name, this.context()));
    return (await this.list(name)).filter((instance) => instance.name === name);
  }

  terminate(reference: InstanceReference): Promise<void> {
    return this.settle(this.provider.terminate(reference, this.context()));
  }

  settle<Result>(promise: Promise<Result>): Promise<Result> {
    return this.subject.settle(promise);
  }

  /** The instances of this test that exist behind the API and may still cost money. */
  async alive(): Promise<readonly ExistingInstance[]> {
    const existing = await this.subject.instances();
    return existing.filter(({ name, alive }) => alive && name.startsWith(this.prefix));
  }

  /** Lets time pass until the check holds, for as long as the provider may take to boot. */
  async eventually(what: string, check: () => Promise<boolean>): Promise<void> {
    for (let wait = FIRST_WAIT_SECONDS, waited = 0; !(await check()); wait *= 2) {
      assert.ok(waited <= this.provider.bootTimeoutSeconds, `${what} in ${waited} seconds`);
      await this.subject.advance(wait);
      waited += wait;
    }
  }

  /** Returns the error of a call that must fail, after a check for secrets. */
  async refusal(call: Promise<unknown>): Promise<unknown> {
    const outcome = await this.settle(
      call.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    );
    assert.ok("error" in outcome, `it throws, and does not answer ${inspect(outcome)}`);
    this.assertNoSecret(outcome.error);
    return outcome.error;
  }

  /** Asserts that the value holds no environment value and no credential of the provider. */
  assertNoSecret(value: unknown): void {
    const text = [everything(value), isAtlasError(value) ? JSON.stringify(value.toProblem()) : ""].join("\n");
    for (const secret of [...this.envSecrets, ...(this.subject.secrets ?? [])])
      for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
        assert.ok(!text.includes(form), "no secret shows up");
  }

  #env(name: string): Readonly<Record<string, string>> {
    const [token = "", quoted = ""] = this.envSecrets;
    const computeId = name.slice(this.prefix.length);
    return {
      ATLAS_OWNER: this.owner,
      ATLAS_COMPUTE_ID: computeId,
      ATLAS_PRESHARED_KEY: token,
      QUOTED: quoted,
    };
  }
}

/** Every string in a value, hidden properties and causes included. */
function everything(value: unknown): string {
  const whole = { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null };
  return [
    inspect(value, { ...whole, showHidden: true, breakLength: Number.POSITIVE_INFINITY }),
    JSON.stringify(value),
  ].join("\n");
}

/** A random word of `0-9a-z`. */
function word(length: number): string {
  return Array.from(randomBytes(length), (byte) => (byte % 36).toString(36)).join("");
}
