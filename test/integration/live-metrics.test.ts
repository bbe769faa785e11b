import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import { type Ingestion, type Item, startIngestion } from '../support/ingestion.ts';

interface LivePost {
  readonly RoleName: string;
  readonly Metrics: readonly { readonly Name: string; readonly Value: number }[];
}

let ingestion: Ingestion;
let stack: AppStack;
beforeEach(async () => {
  [ingestion, stack] = await Promise.all([startIngestion(), startAppStack()]);
});
afterEach(async () => {
  await stack.stop();
  await ingestion.stop();
});

const isOf = (type: string) => (item: Item) => item.data.baseType === type;
const requestsOf = ({ Metrics }: LivePost) => Metrics.find(({ Name }) => Name.endsWith('Requests/Sec'))?.Value ?? 0;
/** What it waits for comes by timers of 5 s. */
const LONG = 120_000;
const within = { timeout: 40_000, interval: 250 };

describe('the applicationinsights package, loaded after the first batch', () => {
  it(
    'brings the live page and dependencies by HTTP, and sends nothing twice',
    async () => {
      const host = await stack.startHost({ ...ingestion.environment, MODEL_REFRESH_SECONDS: '1' });
      let sent = 0;
      const send = async () => {
        await stack.send(1, '0');
        sent++;
        return ingestion.livePosts as LivePost[];
      };
      await expect.poll(async () => (await send()).some(post => requestsOf(post) > 0), within).toBe(true);
      expect((ingestion.livePosts as LivePost[])[0]?.RoleName).toBe('hubscore');
      await expect.poll(() => ingestion.items.some(isOf('RemoteDependencyData')), within).toBe(true);
      await expect
        .poll(
          async () => (await (await fetch(`${host.url}/metrics`)).text()).includes(`outcome="result"} ${sent}\n`),
          within,
        )
        .toBe(true);
      await host.stop();

      const dependencies = ingestion.items.filter(isOf('RemoteDependencyData')).map(({ data }) => data.baseData);
      expect(dependencies.map(({ name }) => name)).toContain('GET /devstoreaccount1/models');
      expect(dependencies.filter(({ name }) => name?.includes('azure-webjobs'))).toEqual([]);
      const rows = ingestion.items.filter(isOf('RequestData')).map(({ data }) => data.baseData);
      const events = rows.map(({ properties }) => Number(properties['messaging.batch.message_count']));
      expect(rows.filter(({ name }) => name !== 'process inference-requests')).toEqual([]);
      expect(events.reduce((all, one) => all + one, 0)).toBeLessThanOrEqual(sent);
      const first = rows.map(({ properties }) => properties['hubscore.first_sequence_number']);
      expect(new Set(first).size).toBe(first.length);
      // The app's own metrics, once each, and none of the package's.
      const metrics = ingestion.items.filter(isOf('MetricData')).map(({ data }) => data.baseData.metrics?.[0]);
      expect(metrics.filter(metric => !/^(inference|hubscore|process)_/.test(metric?.name ?? ''))).toEqual([]);
      const counted = metrics.filter(metric => metric?.name === 'inference_requests_total');
      expect(counted.reduce((all, metric) => all + (metric?.value ?? 0), 0)).toBe(sent);
    },
    LONG,
  );

  it(
    'is left out where a setting says so',
    async () => {
      const host = await stack.startHost({
        ...ingestion.environment,
        APPLICATIONINSIGHTS_LIVE_METRICS: 'false',
        MODEL_REFRESH_SECONDS: '1',
      });
      await stack.send(5, '0');
      await expect.poll(() => ingestion.items.some(isOf('RequestData')), within).toBe(true);
      await host.stop();
      expect(ingestion.livePaths).toEqual([]);
      expect(ingestion.items.filter(isOf('RemoteDependencyData'))).toEqual([]);
    },
    LONG,
  );
});
