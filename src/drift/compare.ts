import { evidenceAbove, type Trials } from '../evidence/binomial.ts';
import { binsOf, type FeatureBins } from './bins.ts';
import { coarse } from './coarse.ts';
import type { Endings, InputCounts } from './counts.ts';
import { type Distance, distanceOf } from './distance.ts';
import type { Profile } from './profile.ts';

export const JS_ALARM = 0.1;
export const PSI_WARNING = 0.1;
export const PSI_ALARM = 0.25;
/** Of a feature and a window: how often a rule of data quality may cry wolf. */
const ALPHA = 1e-4;
/** One half of it is for the window alone, one for it and that before. */
const EVIDENCE = Math.log(2 / ALPHA);
/** Above what the reference has. */
const MISSING_ABOVE = 0.01;
const RANGE_LIMIT = 0.01;
const UNSEEN_ABOVE = 0.005;
const LETTERS_LIMIT = 0.01;

export type DriftStatus = 'ok' | 'warning' | 'alarm';
export type QualityRule = 'missing' | 'out_of_range' | 'unseen_category' | 'dead_letters';

/** A rule of data quality, and what is known of it in the window. */
export interface Quality {
  readonly rule: QualityRule;
  /** Of dead letters. */
  readonly code?: string;
  readonly bad: number;
  readonly trials: number;
  /** The share that is still in order. */
  readonly limit: number;
  /** ln E of the e-process, of this window alone or with the one before, whichever says more; an alarm from ln 20,000 on. */
  readonly evidence: number;
  readonly alarm: boolean;
}

/** How a feature, or what was answered, stands to the reference in a window. */
export interface Compared {
  readonly of: 'feature' | 'prediction' | 'confidence';
  /** Of a feature its name. */
  readonly name: string;
  readonly status: DriftStatus;
  /** Values that are there. */
  readonly values: number;
  /** Undefined where there is nothing to compare. */
  readonly distance: Distance | undefined;
  /** Above threshold and floor, in this window. */
  readonly over: boolean;
  /** What moved most, as shares of the values. */
  readonly moved: { readonly bin: string; readonly reference: number; readonly now: number } | undefined;
  readonly quality: readonly Quality[];
}

/** What is remembered of the window before: an alarm of a distance takes two running, and few rows say more together. */
export interface Before {
  /** Keys of what was above threshold and floor. */
  readonly over: readonly string[];
  /** By key and rule: bad ones and trials. */
  readonly quality: Readonly<Record<string, readonly [bad: number, trials: number]>>;
}

export const NOTHING_BEFORE: Before = { over: [], quality: {} };

/** What the next window is to remember of this one. */
export function rememberOf(compared: readonly Compared[], letters: readonly Quality[]): Before {
  const rules = [...compared.flatMap(each => each.quality.map(rule => [ruleKey(each.name, rule), rule] as const))];
  for (const letter of letters) rules.push([ruleKey('', letter), letter]);
  const quality = Object.fromEntries(rules.map(([key, { bad, trials }]) => [key, [bad, trials] as const]));
  return { over: compared.filter(({ over }) => over).map(keyOf), quality };
}

const ruleKey = (name: string, { rule, code }: Pick<Quality, 'rule' | 'code'>) => `${rule} ${code ?? name}`;

/** Holds a window against the reference. */
export function compare(profile: Profile, inputs: InputCounts, endings: Endings, before: Before): readonly Compared[] {
  const features = binsOf(profile).map((feature, i) => compareFeature(profile, feature, inputs.bins[i] ?? [], before));
  return [...features, ...compareAnswers(profile, endings, before)];
}

/** What tells features and answers apart. */
export const keyOf = ({ of, name }: Pick<Compared, 'of' | 'name'>) => `${of} ${name}`;

function compareFeature(profile: Profile, feature: FeatureBins, bins: readonly number[], before: Before): Compared {
  const [, ...reference] = feature.reference;
  const [missing = 0, ...now] = bins;
  const values = sum(now);
  const { name } = feature;
  const ruled = (of: QualityRule, bad: number, trials: number, limit: number) =>
    ruledBy({ rule: of, bad, trials, limit }, before.quality[ruleKey(name, { rule: of })]);
  const quality = [
    ruled('missing', missing, missing + values, shareOf(feature.reference[0] ?? 0, profile.rows) + MISSING_ABOVE),
  ];
  const seen = sum(reference);
  const last = now.at(-1) ?? 0;
  if (feature.kind === 'number') {
    // Of one more value beside so many, two in so many lie beyond all others.
    quality.push(ruled('out_of_range', (now[0] ?? 0) + last, values, RANGE_LIMIT + 2 / (seen + 1)));
  } else quality.push(ruled('unseen_category', last, values, shareOf(reference.at(-1) ?? 0, seen) + UNSEEN_ABOVE));
  const about = { of: 'feature', name: feature.name } as const;
  const titles = (bin: number) => titleOf(profile, feature, bin);
  return judged(about, reference, now, feature.kind === 'number', titles, quality, before);
}

function compareAnswers(profile: Profile, endings: Endings, before: Before): Compared[] {
  const { classes, confidences } = profile;
  const found: Compared[] = [];
  const labels = Object.keys({ ...classes, ...endings.classes }).sort();
  const isCompared =
    classes !== undefined && Object.keys(classes).length > 0 && sum(Object.values(endings.classes)) > 0;
  if (isCompared) {
    const [ours, theirs] = [classes, endings.classes].map(of => labels.map(label => of[label] ?? 0)) as [
      number[],
      number[],
    ];
    const about = { of: 'prediction', name: 'prediction' } as const;
    found.push(judged(about, ours, theirs, false, bin => labels[bin] ?? '', [], before));
  }
  if (confidences !== undefined && sum(confidences) > 0 && sum(endings.confidences) > 0) {
    const width = confidences.length;
    const titles = (bin: number) => `${bin / width} to ${(bin + 1) / width}`;
    const about = { of: 'confidence', name: 'confidence' } as const;
    const now = confidences.map((_, bin) => endings.confidences[bin] ?? 0);
    found.push(judged(about, confidences, now, true, titles, [], before));
  }
  return found;
}

/** Dead letters by code. */
export function compareLetters({ deadLetters, requests }: Endings, before: Before): readonly Quality[] {
  return Object.entries(deadLetters)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([code, bad]) => {
      const asked = { rule: 'dead_letters', code, bad, trials: requests, limit: LETTERS_LIMIT } as const;
      return ruledBy(asked, before.quality[ruleKey('', asked)]);
    });
}

function judged(
  about: Pick<Compared, 'of' | 'name'>,
  reference: readonly number[],
  now: readonly number[],
  isOrdered: boolean,
  titles: (bin: number) => string,
  quality: readonly Quality[],
  before: Before,
): Compared {
  const distance = distanceOf(...coarse(reference, now, isOrdered));
  const over = distance !== undefined && isOver(distance);
  const warns = distance !== undefined && distance.psi >= PSI_WARNING && distance.psi > distance.psiFloor;
  const isAlarm = (over && before.over.includes(keyOf(about))) || quality.some(({ alarm }) => alarm);
  const status = isAlarm ? 'alarm' : over || warns ? 'warning' : 'ok';
  const moved = over || warns ? mostMoved(reference, now, titles) : undefined;
  return { ...about, status, values: sum(now), distance, over, moved, quality };
}

function isOver({ js, jsFloor, psi, psiFloor }: Distance): boolean {
  return (js >= JS_ALARM && js > jsFloor) || (psi >= PSI_ALARM && psi > psiFloor);
}

function mostMoved(
  reference: readonly number[],
  now: readonly number[],
  titles: (bin: number) => string,
): Compared['moved'] {
  const [all, current] = [sum(reference), sum(now)];
  const shares = reference.map((many, bin) => [many / all, (now[bin] ?? 0) / current] as const);
  const by = ([one, other]: readonly [number, number]) => Math.abs(other - one);
  const bin = shares.reduce((most, share, i) => (by(share) > by(shares[most] as [number, number]) ? i : most), 0);
  const [before, after] = shares[bin] as readonly [number, number];
  return { bin: titles(bin), reference: before, now: after };
}

function titleOf(profile: Profile, { place }: FeatureBins, bin: number): string {
  const feature = profile.features[place];
  if (feature?.type === 'string') return feature.top[bin]?.[0] ?? 'any other';
  if (feature?.type !== 'number') return '';
  const { edges } = feature;
  if (bin === 0) return `below ${edges[0]}`;
  return bin === edges.length ? `above ${edges.at(-1)}` : `${edges[bin - 1]} to ${edges[bin]}`;
}

/** One-sided e-process A, begun anew with each window and with each two. A limit of a half or more cannot be told from noise by it. */
function ruledBy(
  asked: Omit<Quality, 'evidence' | 'alarm'>,
  before: readonly [bad: number, trials: number] | undefined,
): Quality {
  const { bad, trials, limit } = asked;
  const of = (counts: Trials) => (counts.trials === 0 || limit >= 0.5 ? 0 : evidenceAbove(limit, counts));
  const alone = of({ bad, trials });
  const both = before === undefined ? alone : of({ bad: bad + before[0], trials: trials + before[1] });
  const evidence = Math.max(alone, both);
  return { ...asked, evidence, alarm: bad > 0 && evidence >= EVIDENCE };
}

/** A share, and three standard errors of it: of few rows it is known badly. */
function shareOf(many: number, rows: number): number {
  if (rows === 0) return 1;
  const share = many / rows;
  return share + 3 * Math.sqrt((share * (1 - share)) / rows);
}

const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0);
