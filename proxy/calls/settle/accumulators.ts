import { Counter, type CounterConfiguration, Histogram, type HistogramConfiguration } from 'prom-client';

/**
 * Metrics that every call changes. prom-client finds a value by its labels each time, which costs more than the
 * change. Here, a caller looks a value up once and keeps it; prom-client gets the values when it is scraped.
 */

type Labels<L extends string> = Readonly<Record<L, string>>;

/** The value of a counter or gauge for one set of labels. */
export class Sum {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  /** @param amount may be negative for a gauge */
  add(amount = 1): void {
    this.#value += amount;
  }
}

/** The values of a histogram for one set of labels. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  /** The last value of each bucket that a trace has. Undefined until there is one. */
  #exemplars: (Exemplar | undefined)[] | undefined;
  #sum = 0;
  #count = 0;

  /** @param bounds the upper bounds of the buckets, the lowest first */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** @param traceId the trace that has what is measured */
  observe(value: number, traceId?: string | undefined): void {
    this.#sum += value;
    this.#count += 1;
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1;
    if (index < bounds.length) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    if (traceId !== undefined) this.#keep(index, value, traceId);
  }

  #keep(index: number, value: number, traceId: string): void {
    this.#exemplars ??= [];
    this.#exemplars[index] = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1_000 };
  }

  /** The values in the form of prom-client's registry. */
  values(name: string, sharedLabels: Labels<string>): readonly HistogramValue[] {
    let below = 0;
    const buckets = this.#counts.map((count, index) => {
      below += count;
      const exemplar = this.#exemplars?.[index];
      const labels = { le: this.#bounds[index] ?? 0 };
      return { metricName: `${name}_bucket`, labels, sharedLabels, value: below, exemplar };
    });
    const last = this.#exemplars?.[this.#bounds.length];
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: '+Inf' }, sharedLabels, value: this.#count, exemplar: last },
      { metricName: `${name}_sum`, labels: {}, sharedLabels, value: this.#sum },
      { metricName: `${name}_count`, labels: {}, sharedLabels, value: this.#count },
    ];
  }
}

interface HistogramValue {
  readonly metricName: string;
  readonly labels: { readonly le?: number | string };
  /** The labels that all values of a distribution have. */
  readonly sharedLabels: Labels<string>;
  readonly value: number;
  readonly exemplar?: Exemplar | undefined;
}

/** A value that a trace has, in the form of prom-client. */
interface Exemplar {
  readonly labelSet: { readonly trace_id: string };
  readonly value: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** Values by their labels. A value is there from its first use. */
class Values<L extends string, Value> {
  readonly #names: readonly L[];
  readonly #make: () => Value;
  readonly #entries = new Map<string, { readonly labels: Labels<L>; readonly value: Value }>();

  constructor(names: readonly L[], make: () => Value) {
    this.#names = names;
    this.#make = make;
  }

  of(labels: Labels<L>): Value {
    const key = JSON.stringify(this.#names.map((name) => labels[name]));
    const known = this.#entries.get(key);
    if (known) return known.value;
    const value = this.#make();
    this.#entries.set(key, { labels, value });
    return value;
  }

  entries() {
    return this.#entries.values();
  }
}

export class AccumulatedCounter<L extends string> extends Counter<L> {
  readonly #sums: Values<L, Sum>;

  constructor(configuration: CounterConfiguration<L>) {
    super({
      ...configuration,
      collect: () => {
        this.reset();
        for (const { labels, value } of this.#sums.entries()) this.inc(labels, value.value);
      },
    });
    this.#sums = new Values(configuration.labelNames ?? [], () => new Sum());
  }

  /** The value with these labels, to be kept. */
  of(labels: Labels<L>): Sum {
    return this.#sums.of(labels);
  }
}

export class AccumulatedHistogram<L extends string> extends Histogram<L> {
  readonly #name: string;
  readonly #help: string;
  readonly #distributions: Values<L, Distribution>;

  constructor(configuration: HistogramConfiguration<L> & { readonly buckets: readonly number[] }) {
    super(configuration);
    const { name, help, labelNames = [], buckets } = configuration;
    this.#name = name;
    this.#help = help;
    this.#distributions = new Values(labelNames, () => new Distribution(buckets));
  }

  /** The values with these labels, to be kept. */
  of(labels: Labels<L>): Distribution {
    return this.#distributions.of(labels);
  }

  /** prom-client's registry, and its `get`, read a histogram by this method. */
  async getForPromString() {
    const values = [...this.#distributions.entries()].flatMap(({ labels, value }) => value.values(this.#name, labels));
    return { name: this.#name, help: this.#help, type: 'histogram', values, aggregator: 'sum' };
  }
}
