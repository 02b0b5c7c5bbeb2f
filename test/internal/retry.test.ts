import { AbortError } from "p-retry";
import { describe, expect, it } from "vitest";
import { type RetryOptions, retry } from "../../src/internal/retry.ts";
import { type ManualClock, manualClock } from "../../src/providers/mock/manual-clock.ts";

interface Run {
  readonly result: Promise<string>;
  /** The seconds on the clock at each try. */
  readonly triesAt: readonly number[];
}

/** Retries a run that throws these values in turn, and then answers. */
function start(clock: ManualClock, thrown: readonly unknown[], options: Partial<RetryOptions> = {}): Run {
  const triesAt: number[] = [];
  const begin = clock.now().getTime();
  const result = retry({ clock, waitSeconds: () => 1, ...options }, async () => {
    triesAt.push((clock.now().getTime() - begin) / 1000);
    if (triesAt.length <= thrown.length) throw thrown[triesAt.length - 1];
    return "answer";
  });
  return { result, triesAt };
}

/** The value that a promise rejects with. */
async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
  if (!("thrown" in outcome)) throw new Error("it did not fail");
  return outcome.thrown;
}

const failures = (count: number): Error[] =>
  Array.from({ length: count }, (_, index) => new Error(`${index}`));

describe("retry", () => {
  it("answers at the first try, without a pause", async () => {
    const clock = manualClock();
    const { result, triesAt } = start(clock, []);
    expect(await result).toBe("answer");
    expect([triesAt, clock.sleeping]).toEqual([[0], 0]);
  });

  it("pauses on the injected clock, as long as each failure asks for", async () => {
    const clock = manualClock();
    const asked: [unknown, number][] = [];
    const thrown = failures(3);
    const { result, triesAt } = start(clock, thrown, {
      waitSeconds: (error, retriesConsumed) => {
        asked.push([error, retriesConsumed]);
        return 10 ** retriesConsumed;
      },
    });
    expect(await clock.settle(result)).toBe("answer");
    expect(triesAt).toEqual([0, 1, 11, 111]);
    expect(asked).toEqual(thrown.map((error, index) => [error, index]));
  });

  it("makes no more tries than allowed, and throws the last error", async () => {
    const clock = manualClock();
    const thrown = failures(5);
    const { result, triesAt } = start(clock, thrown, { maxRetries: 2 });
    expect(await clock.settle(thrownBy(result))).toBe(thrown[2]);
    expect(triesAt).toEqual([0, 1, 2]);
  });

  it("makes one try where no retry is allowed", async () => {
    const clock = manualClock();
    const [error] = failures(1);
    const { result, triesAt } = start(clock, [error], { maxRetries: 0 });
    expect(await thrownBy(result)).toBe(error);
    expect(triesAt).toEqual([0]);
  });

  it("begins no pause that does not fit into the time for all tries", async () => {
    const clock = manualClock();
    const thrown = failures(5);
    const { result, triesAt } = start(clock, thrown, { withinSeconds: 25, waitSeconds: () => 10 });
    expect(await clock.settle(thrownBy(result))).toBe(thrown[2]);
    expect(triesAt).toEqual([0, 10, 20]);
  });

  it("counts the time that a try takes, too", async () => {
    const clock = manualClock();
    let tries = 0;
    const result = retry({ clock, withinSeconds: 5, waitSeconds: () => 1 }, async () => {
      tries += 1;
      await clock.sleep(4500);
      throw new Error("late");
    });
    await expect(clock.settle(result)).rejects.toThrow("late");
    expect(tries).toBe(1);
  });

  it("does not repeat a request that must not be repeated", async () => {
    const [error] = failures(1);
    const { result, triesAt } = start(manualClock(), [error], { waitSeconds: () => undefined });
    expect(await thrownBy(result)).toBe(error);
    expect(triesAt).toEqual([0]);
  });
});

describe("a value that a run throws", () => {
  const wrapped = new Error("inside");
  it.each([
    ["a TypeError of the caller's", new TypeError("x is not a function")],
    ["a network error", new TypeError("fetch failed")],
    ["p-retry's own AbortError", new AbortError(wrapped)],
    ["a DOMException", new DOMException("aborted", "AbortError")],
    ["a string", "text"],
    ["nothing", undefined],
    ["null", null],
    ["an object without a prototype", Object.create(null)],
  ])("is repeated and comes out unchanged: %s", async (_, value) => {
    const clock = manualClock();
    const repeated = start(clock, [value, value]);
    expect(await clock.settle(repeated.result)).toBe("answer");
    const given = start(clock, [value, value], { maxRetries: 1 });
    expect(await clock.settle(thrownBy(given.result))).toBe(value);
    expect(given.triesAt).toHaveLength(2);
  });

  it("is told to the caller's rule as it was thrown", async () => {
    const seen: unknown[] = [];
    const { result } = start(manualClock(), ["text"], {
      waitSeconds: (error) => {
        seen.push(error);
        return undefined;
      },
    });
    expect(await thrownBy(result)).toBe("text");
    expect(seen).toEqual(["text"]);
  });
});

describe("an abort", () => {
  it("during a pause ends it at once with the last error, and leaves no sleeper", async () => {
    const clock = manualClock();
    const caller = new AbortController();
    const thrown = failures(2);
    const { result, triesAt } = start(clock, thrown, { signal: caller.signal });
    const outcome = thrownBy(result);
    await clock.advance(0.5);
    expect(clock.sleeping).toBe(1);
    caller.abort();
    expect(await outcome).toBe(thrown[0]);
    expect([triesAt, clock.sleeping]).toEqual([[0], 0]);
  });

  it("during a try lets the try end, and begins no pause", async () => {
    const clock = manualClock();
    const caller = new AbortController();
    const error = new Error("cut short");
    const result = retry({ clock, signal: caller.signal, waitSeconds: () => 1 }, async () => {
      caller.abort();
      throw error;
    });
    expect(await thrownBy(result)).toBe(error);
    expect(clock.sleeping).toBe(0);
  });

  it("before the first try leaves that try to the run, which sees the signal", async () => {
    const error = new Error("was not sent");
    const { result, triesAt } = start(manualClock(), [error], { signal: AbortSignal.abort() });
    expect(await thrownBy(result)).toBe(error);
    expect(triesAt).toEqual([0]);
  });
});

it("does not swallow a pause that fails for another reason", async () => {
  const broken = new Error("the clock is broken");
  const clock = { now: () => new Date(0), sleep: () => Promise.reject(broken) };
  const caller = new AbortController();
  const failing = async (): Promise<never> => {
    throw new Error("failed");
  };
  expect(await thrownBy(retry({ clock, signal: caller.signal, waitSeconds: () => 1 }, failing))).toBe(broken);
});
