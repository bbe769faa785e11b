import { describe, expect, it } from 'vitest';
import { createSayFailure, exporterDiagnostics } from '../../../src/telemetry/exporter-diagnostics.ts';
import { notes } from '../../support/models.ts';

describe("what the exporters say, in the app's log", () => {
  it('is one line a minute, with how often there was more', () => {
    const log = notes();
    let nowMs = 0;
    const diagnostics = exporterDiagnostics(createSayFailure(log, () => nowMs));
    diagnostics.error('Envelopes could not be exported:', 'no such host');
    for (let i = 0; i < 3; i++) diagnostics.warn('again');
    nowMs += 60_000;
    diagnostics.error(JSON.stringify({ stack: 'Error: at …', message: 'the export took too long' }));
    expect(log.lines).toEqual([
      'telemetry to Application Insights: Envelopes could not be exported: no such host',
      'telemetry to Application Insights: the export took too long (and 3 times since the last line)',
    ]);
  });

  it('leaves out what is no failure', () => {
    const log = notes();
    const diagnostics = exporterDiagnostics(createSayFailure(log, () => 0));
    diagnostics.info('Exporting 3 envelopes');
    diagnostics.debug('set up');
    expect(log.lines).toEqual([]);
  });
});
