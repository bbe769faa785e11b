import { describe, expect, it } from 'vitest';
import { closest } from '../../../src/core/closest.ts';
import type { Loader, LoadSource } from '../../../src/core/loader.ts';
import { parseCard } from '../../../src/models/card.ts';
import { unknownFields, warningOfUnknownFields } from '../../../src/models/unknown-fields.ts';
import { notes } from '../../support/models.ts';

const of = (card: unknown) => unknownFields(parseCard(JSON.stringify(card), 'model.json'));

describe('fields of a card that nothing reads', () => {
  it.each([
    [{ features: [{ name: 'a' }, { name: 'b', sclae: {} }] }, 'unknown field features[1].sclae; did you mean scale?'],
    [{ outputs: { threshhold: 0.5 } }, 'unknown field outputs.threshhold; did you mean threshold?'],
    [{ features: [{ name: 'a', missing: { fil: 0 } }] }, 'unknown field features[0].missing.fil; did you mean fill?'],
    [
      { features: [{ name: 'a', scale: { mean: 0, std: 1, variance: 2 } }] },
      'unknown field features[0].scale.variance; there are mean, std',
    ],
    [{ batching: { maxBatchSize: 3 } }, 'unknown field batching.maxBatchSize; did you mean max_batch_size?'],
    [{ featuers: [] }, 'unknown field featuers; did you mean features?'],
    [{ threshold: 0.5 }, 'unknown field threshold; did you mean outputs.threshold?'],
    [{ max_batchsize: 5 }, 'unknown field max_batchsize; did you mean batching.max_batch_size?'],
    [{ defalt: { prediction: 1 } }, 'unknown field defalt; did you mean default?'],
  ])('%j: %s', (card, words) => {
    expect(of(card)).toEqual([words]);
  });

  it('are none among what people write for themselves', () => {
    const own = {
      owner: 'risk',
      metrics: { acuracy: 1 },
      label: 'churned',
      trained_at: '2026',
      description: 'x',
      input: {},
    };
    const features = [{ name: 'a', unit: 'm', description: 'length' }];
    const outputs = { label: 'y', classes: ['a', 'b'], notes: 'n' };
    expect(of({ ...own, features, outputs, default: { prediction: { any: 1 } }, example: { sclae: 1 } })).toEqual([]);
  });

  it('are warned of once a version, which serves', async () => {
    const log = notes();
    let opened = 0;
    const opens = { takes: () => true, open: async () => ({ number: ++opened }), close: async () => {} };
    const [loader] = warningOfUnknownFields([opens as unknown as Loader], log);
    const open = (card: object) => loader!.open({ title: 'm/1.0.0/model.onnx', card } as LoadSource);
    await open({ features: [{ name: 'a', sclae: 1 }] });
    await open({ features: [{ name: 'a', sclae: 1 }] });
    await open({ metrics: {} });
    expect(opened).toBe(3);
    expect(log.about(/unknown field/)).toEqual([
      'm/1.0.0/model.json: unknown field features[0].sclae; did you mean scale?; it serves without',
    ]);
  });
});

describe('the closest word', () => {
  it('is the one with the fewest slips, and none where there are too many', () => {
    expect(closest('theshold', ['label', 'threshold', 'thresholds'])).toBe('threshold');
    expect(closest('rnage', ['name', 'range'])).toBe('range');
    expect(closest('unit', ['name', 'input'])).toBeUndefined();
    expect(closest('', ['a'])).toBeUndefined();
  });
});
