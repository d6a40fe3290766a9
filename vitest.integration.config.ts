import { defineConfig } from 'vitest/config'

// Started by test/kafka/run-integration.ts, which provides the broker. One file at a time: they share the broker and the
// machine, and timing is part of what they check.
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/integration/**/*.test.ts'],
    globalSetup: ['test/kafka/end-with-runner.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
  },
})
