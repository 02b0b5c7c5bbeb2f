/** Counters and histograms that only rise, each with its values by label. */
import type { Family, Labels, Sample } from "./text.ts";

/** The number of different labels that one metric keeps; further ones are counted as `other`. */
const MAX_SERIES = 500;

/** The values of a metric, each with its labels. */
type Table<Value> = Map<string, { readonly labels: Labels; readonly value: Value }>;

/** Finds the value of some labels, or makes it; in a full table, the value of `other`. */
function seriesOf<Value>(table: Table<Value>, wanted: Labels, make: () => Value): Value {
  const isFull = table.size >= MAX_SERIES && !table.has(JSON.stringify(wanted));
  const others = Object.fromEntries(Object.keys(wanted).map((name) => [name, "other"]));
  const labels = isFull ? others : wanted;
  const key = JSON.stringify(labels);
  const series = table.get(key) ?? { labels, value: make() };
  table.set(key, series);
  return series.value;
}

/** A counter. */
export class Counter {
  readonly #name: string;
  readonly #help: string;
  readonly #values: Table<{ count: number }> = new Map();

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  /** Counts one. */
  count(labels: Labels): void {
    seriesOf(this.#values, labels, () => ({ count: 0 })).count += 1;
  }

  /** The counter as it stands. */
  family(): Family {
    const samples = [...this.#values.values()].map(({ labels, value: { count } }) => ({
      suffix: "_total",
      labels,
      value: count,
    }));
    return { name: this.#name, type: "counter", help: this.#help, samples };
  }
}

interface Distribution {
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** A histogram of seconds. */
export class Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #values: Table<Distribution> = new Map();

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  /** Counts one duration. */
  observe(labels: Labels, seconds: number): void {
    const make = (): Distribution => ({ buckets: this.#bounds.map(() => 0), sum: 0, count: 0 });
    const found = seriesOf(this.#values, labels, make);
    const first = this.#bounds.findIndex((bound) => seconds <= bound);
    if (first !== -1) found.buckets[first] = (found.buckets[first] ?? 0) + 1;
    found.sum += seconds;
    found.count += 1;
  }

  /** The histogram as it stands. */
  family(): Family {
    const samples = [...this.#values.values()].flatMap(({ labels, value }) => this.#samplesOf(labels, value));
    return { name: this.#name, type: "histogram", unit: "seconds", help: this.#help, samples };
  }

  #samplesOf(labels: Labels, { buckets, sum, count }: Distribution): readonly Sample[] {
    let below = 0;
    const bucket = (bound: string, value: number): Sample => ({
      suffix: "_bucket",
      labels: { ...labels, le: bound },
      value,
    });
    return [
      ...this.#bounds.map((bound, index) => {
        below += buckets[index] ?? 0;
        return bucket(bound.toFixed(1), below);
      }),
      bucket("+Inf", count),
      { suffix: "_sum", labels, value: sum },
      { suffix: "_count", labels, value: count },
    ];
  }
}
