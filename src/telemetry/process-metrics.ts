import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricStore } from './metric-store.ts';

const RESOLUTION_MS = 10;
/** Delays are forgotten after about a minute, so that one bad moment does not colour the whole day. */
const WINDOW_MS = 60_000;
const STATISTICS = { p50: 50, p99: 99, max: 100 } as const;

export interface ProcessMetrics {
  /** Brings the gauges up to date. */
  refresh(): void;
  close(): void;
}

/** Memory, processor time and how late the event loop runs: a heavy model in-line shows here first. */
export function watchProcess(store: MetricStore): ProcessMetrics {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let since = performance.now();
  store.of('process_start_time_seconds').value = performance.timeOrigin / 1000;

  return {
    refresh() {
      const { user, system } = process.cpuUsage();
      store.of('process_cpu_seconds_total').value = (user + system) / 1e6;
      store.of('process_resident_memory_bytes').value = process.memoryUsage.rss();
      for (const [statistic, percentile] of Object.entries(STATISTICS)) {
        // Node measures from timer to timer, so the timer's own interval is in it.
        const delayMs = delays.count === 0 ? 0 : delays.percentile(percentile) / 1e6 - RESOLUTION_MS;
        store.of('hubscore_event_loop_delay_seconds', statistic).value = Math.max(0, delayMs) / 1000;
      }
      if (performance.now() - since > WINDOW_MS) {
        delays.reset();
        since = performance.now();
      }
    },
    close: () => void delays.disable(),
  };
}
