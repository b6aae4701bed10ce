/**
 * `npm run lab`: captures real servers that fail behind a proxy with the load balancer's semantics. `-- --nightly` runs the subset that
 * takes under five minutes, `-- <part of a name>` those of that name, `-- --to DIR` writes the folders there; by default .lab/captures.
 * `-- --cross-check` sends the same faults through our proxy and through HAProxy.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { scoreOf } from '../accuracy/outcome.ts';
import { runConcurrently } from '../accuracy/run.ts';
import { capture, closeCaptures } from './capture.ts';
import { crossCheck, isAlike, missingForCrossCheck } from './cross-check.ts';
import { writeCapture } from './folder.ts';
import { installServers, missingFor } from './missing.ts';
import { installed, serverOf } from './servers.ts';
import { situations } from './situations/index.ts';

/** A proxy that was later says little about servers, milliseconds. */
const MOST_LATE_MS = 40;

const USAGE = 'Use npm run lab -- [--nightly] [--to DIR] [--at-once N] [NAME …], or npm run lab -- --cross-check.';

const fail = (sentence: string): never => {
  console.error(sentence);
  process.exit(1);
};

const ARGUMENTS = {
  options: {
    nightly: { type: 'boolean', default: false },
    to: { type: 'string', default: join(installed, 'captures') },
    'cross-check': { type: 'boolean', default: false },
    'at-once': { type: 'string', default: '8' },
  },
  allowPositionals: true,
} as const;
const readArguments = () => {
  try {
    return parseArgs(ARGUMENTS);
  } catch {
    return fail(USAGE);
  }
};

const { values, positionals } = readArguments();
const atOnce = Number(values['at-once']);
if (!(Number.isInteger(atOnce) && atOnce > 0)) fail(`--at-once ${values['at-once']} is not a number of captures.`);
if (values['cross-check']) {
  const lacking = missingForCrossCheck();
  if (lacking !== null) fail(lacking);
  const compared = await crossCheck();
  for (const { behavior, ours, haproxy } of compared)
    console.log(`a target that ${behavior}: ${ours}, HAProxy ${haproxy}`);
  process.exit(compared.every(isAlike) ? 0 : 1);
}
const wanted = situations.filter(
  ({ name, isNightly }) =>
    (!values.nightly || isNightly === true) &&
    (positionals.length === 0 || positionals.some((part) => name.includes(part))),
);
if (wanted.length === 0)
  fail(`No situation has that name. There are: ${situations.map(({ name }) => name).join(', ')}.`);
const missing = missingFor([...new Set(wanted.map(({ server }) => serverOf(server)))]);
if (missing !== null) fail(missing);
installServers();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    closeCaptures();
    process.exit(1);
  });
const started = performance.now();
await runConcurrently(
  [...wanted].sort((a, b) => b.seconds - a.seconds),
  async (situation) => {
    try {
      const tag = String(situations.indexOf(situation));
      const captured = await capture(situation, tag);
      const { p99 } = captured.lateMs;
      if (p99 > MOST_LATE_MS)
        throw new Error(
          `The proxy's timers were ${p99} ms late (99th percentile). Capture it again on a quieter machine.`,
        );
      const { totals, expected, server, lateMs } = writeCapture(captured, values.to);
      const { diagnosis } = await diagnoseRecording(await readIncident(join(values.to, situation.name)), '');
      const { outcome, remarks } = scoreOf(diagnosis, expected, totals);
      const { cause, standing, between } = diagnosis.verdict;
      console.log(
        `${situation.name} (${server.name} ${server.version}): ${totals.requests} requests, ${totals.errors} errors ` +
          `${JSON.stringify(totals.causes)}; ${cause ?? between.join(' | ')} ${standing}: ${outcome}` +
          `${remarks.length > 0 ? ` (${remarks.join('; ')})` : ''}; proxy late ${lateMs.p99} ms, at most ${lateMs.max} ms`,
      );
    } catch (error) {
      process.exitCode = 1;
      console.error(`${situation.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  },
  atOnce,
);
console.log(`${wanted.length} captures in ${((performance.now() - started) / 1000).toFixed(0)} s, in ${values.to}`);
process.exit();
