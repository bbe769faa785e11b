/** azd's hook after provisioning: sample models, local.settings.json, the Grafana dashboard. Runs again without harm. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AzureCliCredential, AzureDeveloperCliCredential, ChainedTokenCredential } from '@azure/identity';
import { BlobServiceClient } from '@azure/storage-blob';
import { uploadDashboard } from './grafana.ts';
import { NotProvisioned, needed, writeLocalSettings } from './local-settings.ts';
import { uploadModels } from './upload-models.ts';

const root = resolve(import.meta.dirname, '../..');
const environment = process.env;
const say = (line: string) => process.stdout.write(`${line}\n`);
const isPrivate = environment.PRIVATE_NETWORKING?.toLowerCase() === 'true';
const credential = new ChainedTokenCredential(new AzureDeveloperCliCredential(), new AzureCliCredential());

try {
  if (writeLocalSettings(join(root, 'local.settings.json'), environment)) {
    say('local.settings.json written: npm run host now works against the deployed namespace');
  } else {
    say('local.settings.json is there and stays as it is; `azd env get-values` shows the deployed names');
  }

  await unlessPrivate('upload models', async () => {
    const service = new BlobServiceClient(needed(environment, 'ModelStorage__blobServiceUri'), credential);
    const container = service.getContainerClient(needed(environment, 'MODELS_CONTAINER'));
    const waitsMs = isPrivate ? [] : Array.from({ length: 30 }, () => 20_000);
    const { uploaded, kept } = await uploadModels({
      container,
      folder: join(root, 'samples/models'),
      waitsMs,
      wait,
      say,
    });
    say(`sample models: ${uploaded} files uploaded, ${kept} were there`);
  });

  const grafana = environment.AZURE_GRAFANA_ENDPOINT;
  if (grafana) {
    await unlessPrivate('upload the dashboard', async () => {
      const text = readFileSync(join(root, 'infra/dashboards/grafana-azure.json'), 'utf8');
      const dashboard = text.replaceAll(
        '__APPLICATION_INSIGHTS_ID__',
        needed(environment, 'AZURE_APPLICATION_INSIGHTS_ID'),
      );
      await uploadDashboard(grafana, JSON.parse(dashboard), credential);
      say(`dashboard: ${grafana}`);
    });
  }
} catch (error) {
  if (!(error instanceof NotProvisioned)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** With private networking nothing answers from outside: that is what was asked for, so it is said and no failure. */
async function unlessPrivate(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isPrivate) throw error;
    say(`could not ${what} from outside the network: run \`azd hooks run postprovision\` from inside (docs/deploy.md)`);
  }
}
