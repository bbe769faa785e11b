import type { TestProject } from 'vitest/node';

/** Runs once, before the tests. */
export default function saySeed({ config }: TestProject): void {
  console.error(`random inputs: TEST_SEED=${config.env.TEST_SEED} gives the same ones again\n`);
}
