/** The way from the outside to the servers in the instances. */
import { hostOf, toMockInstance } from "./convert.ts";
import type { Fleet, Machine } from "./fleet.ts";
import type { MockResponder } from "./types.ts";

/** Answers requests to the http ports of the instances. */
export class Gateway {
  readonly #fleet: Fleet;
  #responder: MockResponder = () => Response.json({ ok: true });

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  respond(responder: MockResponder): void {
    this.#responder = responder;
  }

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const { hostname } = new URL(request.url);
    const machine = this.#fleet.all().find((candidate) => isBehind(candidate, hostname));
    if (machine === undefined)
      throw new TypeError("fetch failed", { cause: new Error(`no instance behind ${hostname}`) });
    if (machine.status !== "running") return new Response("Bad Gateway", { status: 502 });
    return this.#responder(request, toMockInstance(machine));
  };
}

function isBehind({ facts }: Machine, hostname: string): boolean {
  return facts.ports.some(
    ({ internal, protocol }) => protocol === "http" && hostOf(facts.providerId, internal) === hostname,
  );
}
