/**
 * Preloaded into a measured process (`--import`): when the process ends, writes its peak resident memory in bytes to
 * the file $BENCH_PEAK. Plain JavaScript, because stripping types in each thread would be measured too.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.BENCH_PEAK;
if (file !== undefined && isMainThread) {
  process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS * 1024)));
}
