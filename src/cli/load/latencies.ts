import { build, type Histogram } from 'hdr-histogram-js';

/** Milliseconds; 0 where nothing was recorded. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const STEPS_PER_MS = 100;
const LONGEST_MS = 24 * 3_600_000;
/** Percentiles of the curve: evenly spaced in nines, as HDR plots are read. */
const CURVE_POINTS_PER_NINE = 10;

/** Latencies in a high dynamic range histogram: any percentile within 0.1 %, whatever their number. */
export class Latencies {
  private readonly histogram: Histogram;

  /** @param digits significant ones; 2 take an eighth of the memory of 3 */
  constructor(digits: 2 | 3 = 3) {
    this.histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: 2,
      autoResize: true,
      numberOfSignificantValueDigits: digits,
    });
  }

  /** Below 0 counts as 0: the log's times are whole milliseconds. */
  add(ms: number): void {
    this.histogram.recordValue(Math.round(Math.min(Math.max(0, ms), LONGEST_MS) * STEPS_PER_MS));
  }

  merge(other: Latencies): void {
    this.histogram.add(other.histogram);
  }

  get count(): number {
    return this.histogram.totalCount;
  }

  /** @param percent 0–100 */
  percentile(percent: number): number {
    if (this.count === 0) return 0;
    const { histogram } = this;
    return Math.min(histogram.getValueAtPercentile(percent), histogram.maxValue) / STEPS_PER_MS;
  }

  summary(): LatencySummary {
    const { count, histogram } = this;
    return {
      count,
      mean: count === 0 ? 0 : histogram.mean / STEPS_PER_MS,
      p50: this.percentile(50),
      p95: this.percentile(95),
      p99: this.percentile(99),
      p999: this.percentile(99.9),
      max: count === 0 ? 0 : histogram.maxValue / STEPS_PER_MS,
    };
  }

  /** Latency by percentile up to the last one that this many samples can tell, as `[percent, milliseconds]`. */
  curve(): (readonly [percent: number, ms: number])[] {
    if (this.count === 0) return [];
    const nines = Math.log10(Math.max(10, this.count));
    const points = Math.ceil(nines * CURVE_POINTS_PER_NINE);
    return Array.from({ length: points + 1 }, (_, i) => {
      const percent = 100 - 100 * 10 ** (-i / CURVE_POINTS_PER_NINE);
      return [percent, this.percentile(percent)] as const;
    });
  }
}
