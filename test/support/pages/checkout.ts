import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LINKED = ['bench', 'bin', 'deploy', 'dist', 'docs', 'infra', 'node_modules', 'scripts', 'src', 'test'];
const COPIED = ['samples', 'package.json', 'host.json', 'exec.cmd', 'tsconfig.json', 'tsconfig.build.json'];

/** What `UseDevelopmentStorage=true` stands for, with its ports to be replaced. */
const AZURITE = `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;`;

/** A fresh folder that looks like this checkout, built: what commands write lands in it. Local settings name the ports given. */
export function freshCheckout(
  root: string,
  ports: Readonly<Record<string, string>>,
): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hubscore-page-'));
  for (const name of LINKED) symlinkSync(join(root, name), join(path, name));
  for (const name of COPIED) cpSync(join(root, name), join(path, name), { recursive: true });
  // What code of other languages on the pages makes; interop runs that code.
  cpSync(join(root, 'test/fixtures/pages'), path, { recursive: true });
  // What the reader's own training made: the next version of a sample.
  const next = join(path, 'out/churn/1.2.0');
  cpSync(join(root, 'samples/models/churn/1.0.0'), next, { recursive: true });
  const card = readFileSync(join(next, 'model.json'), 'utf8').replace('"version": "1.0.0"', '"version": "1.2.0"');
  writeFileSync(join(next, 'model.json'), card);
  const sample = readFileSync(join(root, 'local.settings.sample.json'), 'utf8');
  writeFileSync(
    join(path, 'local.settings.sample.json'),
    withPorts(sample.replaceAll('UseDevelopmentStorage=true', AZURITE), ports),
  );
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The same with the usual ports replaced. */
export function withPorts(text: string, ports: Readonly<Record<string, string>>): string {
  const usual = {
    '5672': ports.EVENTHUBS_PORT,
    '10000': ports.STORAGE_PORT,
    '10001': ports.STORAGE_QUEUE_PORT,
    '7071': ports.FUNCTIONS_PORT,
  };
  return text.replace(
    /(?<=localhost:|127\.0\.0\.1:)(5672|10000|10001|7071)\b/g,
    (port: string) => usual[port as keyof typeof usual] ?? port,
  );
}
