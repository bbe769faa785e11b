import { type Buckets, createBuckets, Histogram } from './histogram.ts';
import { METRICS, type MetricDefinition, type MetricName } from './metrics.ts';

/** Label sets a metric may have; what comes after counts as `other`, so that no request can make it grow. */
const MAX_SERIES = 200;
const OTHER = 'other';

/** A counter's or a gauge's number. */
export interface Cell {
  value: number;
}

export interface Series<Value extends Cell | Histogram = Cell | Histogram> {
  readonly labels: readonly string[];
  readonly value: Value;
}

type CellOf<Name extends MetricName> = (typeof METRICS)[Name]['kind'] extends 'histogram' ? Histogram : Cell;
type Values<Labels extends readonly string[]> = { [Index in keyof Labels]: string };
type LabelsOf<Name extends MetricName> = Values<(typeof METRICS)[Name]['labels']>;

/** All series of one metric. */
export class Family<Value extends Cell | Histogram = Cell | Histogram> {
  readonly name: MetricName;
  readonly definition: MetricDefinition;
  readonly #series = new Map<string, Series<Value>>();
  readonly #create: () => Value;

  constructor(name: MetricName, create: () => Value) {
    this.name = name;
    this.definition = METRICS[name];
    this.#create = create;
  }

  with(labels: readonly string[]): Value {
    const key = labels.join('\0');
    const known = this.#series.get(key);
    if (known) return known.value;
    const full = this.#series.size >= MAX_SERIES && labels.some(label => label !== OTHER);
    if (full) return this.with(labels.map(() => OTHER));
    const series = { labels, value: this.#create() };
    this.#series.set(key, series);
    return series.value;
  }

  /** Makes a series before it has news; not where that would take room that real ones need. */
  prepare(labels: readonly string[]): void {
    if (this.#series.size < MAX_SERIES / 2) this.with(labels);
  }

  clear(): void {
    this.#series.clear();
  }

  series(): Iterable<Series<Value>> {
    return this.#series.values();
  }
}

/** The numbers behind every metric, kept by us and read by the exporters. */
export class MetricStore {
  readonly #families: ReadonlyMap<MetricName, Family>;

  constructor() {
    const names = Object.keys(METRICS) as MetricName[];
    this.#families = new Map(names.map(name => [name, new Family(name, maker(METRICS[name]))]));
  }

  /** The number or histogram of one label set; held by the caller where it is used often. */
  of<Name extends MetricName>(name: Name, ...labels: LabelsOf<Name>): CellOf<Name> {
    return this.#family(name).with(labels) as CellOf<Name>;
  }

  /** Shows a counter with 0 before there is anything to count: a series that is born at 37 has no rate, so a first failure would go unseen. */
  prepare<Name extends MetricName>(name: Name, ...labels: LabelsOf<Name>): void {
    this.#family(name).prepare(labels);
  }

  /** Forgets all series of a metric, for gauges that are filled anew at every look. */
  clear(name: MetricName): void {
    this.#family(name).clear();
  }

  families(): Iterable<Family> {
    return this.#families.values();
  }

  #family(name: MetricName): Family {
    return this.#families.get(name) as Family;
  }
}

function maker(definition: MetricDefinition): () => Cell | Histogram {
  if (definition.kind !== 'histogram') return () => ({ value: 0 });
  const buckets: Buckets = createBuckets(definition.bounds ?? []);
  return () => new Histogram(buckets);
}
