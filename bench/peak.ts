/** Preloaded into a measured process (`--import`): writes its peak resident memory in bytes into the file $BENCH_PEAK when it ends. */
import { writeFileSync } from 'node:fs';

const file = process.env.BENCH_PEAK;
if (file !== undefined) {
  process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS * 1024)));
}
