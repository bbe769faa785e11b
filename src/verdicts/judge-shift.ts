import { evidenceOfShift } from '../evidence/split.ts';
import type { Trigger, Watched } from '../rollouts/triggers.ts';
import type { Counts } from '../sweep/counts.ts';
import type { Judged, JudgeOptions } from './judged.ts';

/**
 * Judges whether the candidate answers other classes, or with other confidence, than its share of each class or bin makes it. A signal only: requests are the trials here, and
 * sticky keys bring their own classes with them, so that few keys are called a shift that is none.
 */
export function judgeShift(
  trigger: Trigger,
  { metric }: Watched,
  threshold: number,
  { arms, weight }: JudgeOptions,
): Judged {
  const of = metric === 'class_shift' ? classes : confidences;
  const stages = arms.stages.filter(stage => stage.weight !== undefined && stage.weight > 0 && stage.weight < 100);
  // Requests of one stage are none of another's: evidence of independent parts is added.
  const evidence = stages.reduce((sum, stage) => {
    const names = [...new Set([...of(stage.candidate).keys(), ...of(stage.production).keys()])];
    const counts = (arm: Counts) => names.map(name => of(arm).get(name) ?? 0);
    return sum + evidenceOfShift((stage.weight as number) / 100, counts(stage.candidate), counts(stage.production));
  }, 0);
  const total = (arm: Counts) => [...of(arm).values()].reduce((sum, many) => sum + many, 0);
  const bad = stages.reduce((sum, { candidate }) => sum + total(candidate), 0);
  const trials = stages.reduce((sum, { production }) => sum + total(production), bad);
  const isAlone = weight >= 100 && trials === 0;
  return {
    ...{ trigger: trigger.when, bad, trials, interval: undefined },
    candidate: trials > 0 ? bad / trials : undefined,
    production: trials > 0 ? 1 - bad / trials : undefined,
    ...{ failEvidence: evidence, passEvidence: 0, worseEvidence: undefined, threshold },
    verdict: isAlone ? 'not_applicable' : evidence >= threshold ? 'fail' : 'pass',
    isSignal: true,
    why: isAlone ? 'no production beside it' : trials === 0 ? 'nothing seen yet' : undefined,
  };
}

const classes = ({ classes }: Counts): ReadonlyMap<string | number, number> => classes;
const confidences = ({ confidences }: Counts): ReadonlyMap<string | number, number> =>
  new Map(confidences.map((many, bin) => [bin, many] as const).filter(([, many]) => many > 0));
