import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/chaos/**', 'node_modules/**'],
    pool: 'forks', // onnxruntime-node aborts the process when a worker thread that holds a session is terminated
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
