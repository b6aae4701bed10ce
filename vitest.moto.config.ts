/** The tests against a moto server: `npm run test:moto`. They need Python with test/moto/requirements.txt; `.ci/run` sees to that. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/moto/**/*.test.ts'],
    globalSetup: ['test/moto/start.ts'],
    // One account after the other: the files share the server.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
