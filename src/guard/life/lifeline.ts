import type { Clock } from "../../clock.ts";
import type { Standing } from "../verdict/state.ts";
import { Contact, type ContactOptions } from "./contact.ts";
import type { SignKind } from "./heartbeat.ts";
import { Inquiry } from "./inquiry.ts";
import { createReporter, reportWhenReady } from "./reporter.ts";
import { askByTime } from "./schedule.ts";
import { SignsOfLife } from "./signs.ts";

/** The parts that a lifeline needs. */
export interface LifelineOptions extends ContactOptions {
  readonly clock: Clock;
  /** The kinds of signs of life that count. */
  readonly signs: ReadonlySet<SignKind>;
  /** Resolves when the server listens, or when the guard closes. */
  readonly listens: Promise<void>;
  /** Returns true when the server that listens is ready. */
  readonly isReady: () => boolean;
}

/** Everything between a guard and its control plane: calls by time, signs of life, and questions about tokens. */
export class Lifeline {
  readonly #contact: Contact;
  readonly #signs: SignsOfLife;
  readonly #inquiry: Inquiry;
  readonly #running: Promise<unknown>;

  constructor(options: LifelineOptions) {
    const { client, clock, signal, signs, listens, isReady } = options;
    this.#contact = new Contact(options);
    const report = createReporter(this.#contact, options);
    this.#signs = new SignsOfLife({ kinds: signs, clock, signal, report });
    const question = async (): Promise<boolean> => (await this.#contact.send([])).kind === "answered";
    this.#inquiry = new Inquiry({ clock, signal, question });
    this.#running = Promise.all([
      askByTime({ contact: this.#contact, clock, signal }),
      listens.then(() => reportWhenReady(client, isReady, options)),
    ]);
  }

  get standing(): Standing {
    return this.#contact.standing;
  }

  /** Notes a sign of life. */
  see(kind: SignKind): void {
    this.#signs.see(kind);
  }

  /** Watches the byte count of an open connection until the returned function is called. */
  watch(countBytes: () => number): () => void {
    return this.#signs.watch(countBytes);
  }

  /** Asks the control plane about a token that the list does not have. True when it answered a question that began after this call. */
  ask(): Promise<boolean> {
    return this.#inquiry.ask();
  }

  /** Resolves when the last call has ended. */
  async settled(): Promise<void> {
    await Promise.all([this.#running, this.#signs.settled()]);
  }
}
