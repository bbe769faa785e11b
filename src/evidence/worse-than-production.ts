import { logSumExp } from './log-sum-exp.ts';

/** Bad trials of both arms while the candidate had one share of the trials. */
export interface Stage {
  /** Of all trials seen in the stage, those of the candidate: a share, not the weight. */
  readonly share: number;
  readonly candidateBad: number;
  readonly productionBad: number;
}

const ODDS_RATIOS = 16;
const LEAST = 1.25;
const MOST = 64;
const ratios = Array.from({ length: ODDS_RATIOS }, (_, k) => LEAST * (MOST / LEAST) ** (k / (ODDS_RATIOS - 1)));

/**
 * Evidence that a bad trial is rather the candidate's than its share of the trials would make it, ln E: a mixture over odds ratios of the likelihood of each bad trial's
 * arm, given that it was bad. What both arms share (an outage, a slow minute) cancels.
 */
export function evidenceWorse(stages: readonly Stage[]): number {
  const terms = ratios.map(ratio =>
    stages.reduce((sum, { share, candidateBad, productionBad }) => {
      const odds = Math.log(1 - share + share * ratio);
      return sum + candidateBad * (Math.log(ratio) - odds) - productionBad * odds;
    }, 0),
  );
  return logSumExp(terms) - Math.log(ODDS_RATIOS);
}
