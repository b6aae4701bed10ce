/**
 * Reads one incident with the log engine only: `node bench/read.ts <incident folder>`. Prints counts and times as JSON.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAccessLog } from '../src/collect/access-log/embedded/embedded-engine.ts';

const folder = process.argv[2] ?? '.';
const incident: { loadBalancer: string; from: string; to: string } = JSON.parse(
  readFileSync(join(folder, 'incident.json'), 'utf8'),
);
const started = performance.now();
const log = await readAccessLog({
  folder: join(folder, 'logs'),
  question: {
    loadBalancer: { name: incident.loadBalancer, arn: null },
    from: Date.parse(incident.from),
    to: Date.parse(incident.to),
    now: Date.parse(incident.to),
    statuses: ['5xx'],
  },
  idleTimeoutSeconds: 60,
});
const seconds = (performance.now() - started) / 1000;
const { minutes, targets, statuses, failures, failureShapes, routes, idleGaps, ...counts } = log;
if (process.argv.includes('--all')) process.stdout.write(`${JSON.stringify(log, null, 1)}\n`);
else
  process.stdout.write(
    `${JSON.stringify({
      ...counts,
      rows: [minutes, targets, statuses, failures, failureShapes, routes].map((list) => list.length),
      gaps: idleGaps.map(({ target_group_arn, horizon, failures: examined, peers }) => ({
        group: target_group_arn.split('/')[1],
        horizon,
        examined: examined.length,
        controls: peers.reduce((sum, { controls }) => sum + controls.length, 0),
        gaps: [...examined, ...peers.flatMap(({ controls }) => controls)].reduce(
          (sum, one) => sum + one.gaps.length,
          0,
        ),
      })),
      seconds,
      cpu: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
      rss: process.resourceUsage().maxRSS / 1024,
    })}\n`,
  );
