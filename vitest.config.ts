import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests start processes and open databases; the machine may be small.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
