/** `npm run score`: the suite as a table; `-- --seeds N [--first S]` tries N random incidents more; `-- <part of a name>` runs only those of that name. */
import { parseArgs } from 'node:util';
import { scoreCaptures } from './captures.ts';
import { reportOf } from './report.ts';
import { runSuite } from './run.ts';
import { varietyReport, vary } from './vary.ts';

const { values, positionals } = parseArgs({
  options: { seeds: { type: 'string' }, first: { type: 'string' } },
  allowPositionals: true,
});
const started = performance.now();
const scored = [...(await runSuite(positionals[0])), ...(await scoreCaptures(positionals[0] ?? ''))];
console.log(reportOf(scored));
console.log(`\n${scored.length} incidents in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
const varied = await vary(Number(values.first ?? 1), Number(values.seeds ?? 0));
if (varied.length > 0) console.log(`\n${varietyReport(varied)}`);
if (scored.some(({ outcome }) => outcome === 'wrong') || varied.some(({ untrue }) => untrue.length > 0))
  process.exitCode = 1;
