import type { Verdict } from './score-model.ts';

export type Verdicts = Readonly<Record<string, Verdict>>;

/** What is kept of a run in the repository. */
export interface SuiteRecord {
  readonly package: string;
  readonly models: number;
  /** By kind of the suite, then by verdict. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Equal ones that were served unbatched, and those that needed a card's example. */
  readonly unbatched: number;
  readonly withExample: number;
  /** Models that are not equal, by verdict and reason. */
  readonly others: Readonly<Record<string, readonly string[]>>;
}

export function recordOf(name: string, verdicts: Verdicts): SuiteRecord {
  const counts: Record<string, Record<string, number>> = {};
  const others: Record<string, string[]> = {};
  for (const [model, { verdict, why = '' }] of Object.entries(verdicts)) {
    for (const kind of [model.split('/')[0] as string, 'all']) {
      counts[kind] ??= {};
      counts[kind][verdict] = (counts[kind][verdict] ?? 0) + 1;
    }
    if (verdict === 'equal') continue;
    const reason = `${verdict}: ${reasonOf(why, verdict)}`;
    others[reason] ??= [];
    others[reason].push(model);
  }
  const equal = Object.values(verdicts).filter(({ verdict }) => verdict === 'equal');
  const most = Object.entries(others).sort(([, some], [, more]) => more.length - some.length);
  return {
    package: name,
    models: Object.keys(verdicts).length,
    counts,
    unbatched: equal.filter(({ unbatched }) => unbatched).length,
    withExample: equal.filter(({ example }) => example).length,
    others: Object.fromEntries(most),
  };
}

const REASONS: readonly [pattern: RegExp, reason: string][] = [
  [/(?:input|output) \S+ has type (\w+?)(?:m\d\w*)?, which/, 'its element type is not supported'],
  [/Unsupported data type/, 'its element type is not supported'],
  [/which holds nothing/, 'an input holds nothing'],
  [/is a sequence, none is a tensor/, 'its output is a sequence'],
  [/is no tensor; only tensors/, 'an input is a sequence or an optional'],
  [/feature \S+ is not a finite number/, 'NaN or an infinity in the request'],
  [/gave a value in output \S+ that is not a finite/, 'NaN or an infinity in the answer'],
  [/is not implemented here|Failed to find kernel|are not supported\. If you/, 'ONNX Runtime has no kernel'],
  [/uses the operator/, 'ONNX Runtime has no such operator'],
  [/needs the locale/, 'the machine lacks its locale'],
  [/inputs is empty/, 'it takes no inputs'],
];

function reasonOf(why: string, verdict: Verdict['verdict']): string {
  if (verdict === 'runtime') return /run to run/.test(why) ? why : 'ONNX Runtime itself answers so';
  return REASONS.find(([pattern]) => pattern.test(why))?.[1] ?? why;
}

/** Why a run does not pass, against what was recorded: no more than that may be other than equal, and nothing wrong. */
export function faultsOf({ others }: SuiteRecord, verdicts: Verdicts): readonly string[] {
  const known = new Set(Object.values(others).flat());
  return Object.entries(verdicts).flatMap(([model, { verdict, why }]) => {
    const bad = verdict === 'wrong' || verdict === 'dead' || (verdict !== 'equal' && !known.has(model));
    return bad ? [`${model}: ${verdict}, ${why}`] : [];
  });
}
