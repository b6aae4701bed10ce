import { globSync, readFileSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';

const files = globSync('test/**/*.test.ts').sort();

/** Tests of the pure middle and of texts: `npm run test:fast`. */
const PURE = /^test\/(diagnose|format|query|render|slack\/messages|evidence|(house-rules|structure)\.test)/;

/** Pure tests of thousands of random incidents take most of a minute, so they run in `npm test` only. */
const SLOW = /-by-chance\.test|^test\/slack\/messages\/(fresh-incidents|limits)\.test/;
const isPure = (file: string) => PURE.test(file) && !SLOW.test(file);

/** These replace modules, timers or settings of their process, so they cannot share one. */
const needsOwnProcess = (file: string) =>
  /\bvi\.(mock|stub|spy|useFake)|\bprocess\.(env\b[^;]*=|chdir)/.test(readFileSync(file, 'utf8'));

const needMoto = files.filter((file) => file.startsWith('test/moto/'));
const others = files.filter((file) => !file.startsWith('test/moto/'));
const alone = others.filter(needsOwnProcess);
const shared = others.filter((file) => !alone.includes(file));

const common = {
  exclude: configDefaults.exclude,
  // Tests start processes and open databases; the machine may be small.
  testTimeout: 180_000,
  hookTimeout: 180_000,
  expect: { poll: { timeout: 90_000 } },
};

// Pure tests share a process: loading the modules takes longer than the tests.
export default defineConfig({
  test: {
    // Tests wait more than they work: each core has one at work.
    maxWorkers: '100%',
    globalSetup: ['src/collect/access-log/embedded/wasm/compile.mjs'],
    projects: [
      { test: { ...common, name: 'pure', isolate: false, include: shared.filter(isPure) } },
      { test: { ...common, name: 'shared', include: shared.filter((file) => !isPure(file)) } },
      { test: { ...common, name: 'alone', include: alone } },
      {
        test: {
          ...common,
          name: 'moto',
          include: needMoto,
          globalSetup: ['test/moto/start.ts'],
          // One account after the other: the files share the server.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
