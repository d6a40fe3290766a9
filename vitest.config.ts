import { defineConfig } from 'vitest/config'

// Forks, not threads: the native driver does not load in worker threads.
export default defineConfig({
  test: {
    pool: 'forks',
    include: ['test/**/*.test.ts'],
    exclude: ['test/integration/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
