import type { InputCounter, InputCounting } from '../core/table-scorer.ts';
import { binsOf, toNumber } from './bins.ts';
import { addRow, noInputs } from './counts.ts';
import type { Profile } from './profile.ts';

/** Counts rows of tables in a profile's bins. Numbers are float32 there, so edges are rounded likewise: else a value that is an edge would fall into the bin below. */
export function tableCounting(profile: Profile): InputCounting {
  const rounded: Profile = {
    ...profile,
    features: profile.features.map(feature =>
      feature.type === 'number' ? { ...feature, edges: feature.edges.map(Math.fround) } : feature,
    ),
  };
  const numeric = rounded.features.map(({ type }) => type === 'number');
  return { begin: every => createCounter(rounded, numeric, every) };
}

function createCounter(profile: Profile, numeric: readonly boolean[], every: number): InputCounter {
  const counts = noInputs(profile);
  const features = binsOf(profile);
  const width = numeric.length;
  const row = new Array<unknown>(width);
  /** By place: rows whose value was missing, and what stands for it. */
  const missing = new Map<number, { rows: number; readonly fill: unknown }>();
  let seen = 0;
  return {
    addPlain(values, rows) {
      for (let i = 0; i < rows; i++) {
        if (seen++ % every !== 0) continue;
        for (let place = 0; place < width; place++) row[place] = values[i * width + place];
        addRow(counts, row, profile);
      }
    },
    add(values) {
      if (seen++ % every !== 0) return;
      for (let place = 0; place < width; place++) {
        const number = numeric[place] ? toNumber(values[place]) : undefined;
        row[place] = number === undefined ? values[place] : Math.fround(number);
      }
      addRow(counts, row, profile);
    },
    missing(place, fill) {
      const known = missing.get(place) ?? { rows: 0, fill };
      known.rows++;
      missing.set(place, known);
    },
    get counts() {
      const bins = counts.bins.map((own, i) => {
        const { place, binOf } = features[i] as (typeof features)[number];
        const { rows = 0, fill } = missing.get(place) ?? {};
        const moved = [...own];
        const many = Math.round(rows / every);
        moved[0] = (moved[0] ?? 0) + many;
        const filled = binOf(typeof fill === 'number' ? Math.fround(fill) : fill);
        if (filled > 0) moved[filled] = Math.max(0, (moved[filled] ?? 0) - many);
        return moved;
      });
      return { rows: counts.rows, bins };
    },
  };
}
