/**
 * Properties of anything, by fast-check. What every change must pass looks at the same cases each time: a case that nobody has met
 * does not belong to the change that meets it. Elsewhere each run looks at others, and a failure names its seed.
 */
import fc from 'fast-check';

if (process.env.CI !== undefined) fc.configureGlobal({ seed: 502 });

export { fc };
