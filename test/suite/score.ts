/** `npm run score`: the suite as a table; `-- --seeds N` varies N random incidents more; `-- <part of a name>` runs only those. */
import { reportOf } from './report.ts';
import { runSuite } from './run.ts';

const wanted = process.argv.slice(2).find((word) => !word.startsWith('-') && !/^\d+$/.test(word));
const started = performance.now();
const scored = await runSuite(wanted);
console.log(reportOf(scored));
console.log(`\n${scored.length} incidents in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
if (scored.some(({ outcome }) => outcome === 'wrong')) process.exitCode = 1;
