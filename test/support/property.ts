/**
 * fast-check for property tests. In CI every run tries the same cases, so that no change fails for a case it did not cause; elsewhere
 * each run tries others, and a failure names its seed.
 */
import fc from 'fast-check';

if (process.env.CI !== undefined) fc.configureGlobal({ seed: 502 });

export { fc };
