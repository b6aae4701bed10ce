import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // These need a moto server: vitest.moto.config.ts.
    exclude: [...configDefaults.exclude, 'test/moto/**'],
    // Tests start processes and open databases; the machine may be small.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
