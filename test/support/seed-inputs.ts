/** Runs before every test file: what fast-check and Math.random give there follows from the run's seed. */
import fc from 'fast-check';
import { randomInputs, SEED } from './seed.ts';

fc.configureGlobal({ seed: SEED });
Math.random = randomInputs().next; // for what the product draws in this process
