import { defineConfig } from 'vitest/config';
import { chooseSeed } from './test/support/seed.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/chaos/**', 'node_modules/**'],
    env: { TEST_SEED: chooseSeed(process.env.TEST_SEED) },
    globalSetup: 'test/support/say-seed.ts',
    setupFiles: 'test/support/seed-inputs.ts',
    pool: 'forks', // onnxruntime-node aborts the process when a worker thread that holds a session is terminated
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 180_000,
  },
});
