/**
 * Preloaded into a measured process (`--import`): writes its peak resident memory in bytes into the file $BENCH_PEAK when it ends. Plain
 * JavaScript: types would have to be stripped in each of its threads, and that would be measured too.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.BENCH_PEAK;
if (file !== undefined && isMainThread) {
  process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS * 1024)));
}
