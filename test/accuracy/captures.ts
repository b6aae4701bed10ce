/** The committed captures of the lab: real servers that failed behind a proxy with the load balancer's semantics. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptureTruth } from '../lab/folder.ts';
import { scoreOf, wouldEndIt } from './outcome.ts';
import { diagnosisOf, runConcurrently, type ScoredIncident } from './run.ts';

export const LAB_FAMILY = 'captures of real servers';
export const captureRoot = join(import.meta.dirname, 'lab');

/** Captures that the diagnosis gets wrong, or leaves open though the evidence decides, and why. */
const SHORTFALLS: Record<string, string> = {
  'out-of-memory-gunicorn':
    'A kill with one request in flight leaves one close, as an invalid response does; only kills with several requests decide.',
  'worker-timeout-gunicorn-20.1':
    'Six exports waited in the queue for a worker and ended later than the timer; the log does not separate waiting from work.',
};

export const captureNames = (): string[] => readdirSync(captureRoot).sort();

export const truthOfCapture = (name: string): CaptureTruth =>
  JSON.parse(readFileSync(join(captureRoot, name, 'truth.json'), 'utf8')) as CaptureTruth;

export async function scoreCapture(name: string): Promise<ScoredIncident> {
  const { expected, totals } = truthOfCapture(name);
  const diagnosis = await diagnosisOf(join(captureRoot, name));
  return {
    family: LAB_FAMILY,
    name,
    expected,
    diagnosis,
    shortfall: SHORTFALLS[name],
    ended: wouldEndIt(diagnosis, expected.verdict.cause),
    ...scoreOf(diagnosis, expected, totals),
  };
}

export const scoreCaptures = (wanted: string): Promise<ScoredIncident[]> =>
  runConcurrently(
    captureNames().filter((name) => name.includes(wanted)),
    scoreCapture,
  );
