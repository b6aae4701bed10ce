/** Runs the suite: writes each made incident to a folder, diagnoses it like the command, and scores the result. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { type Expectation, type Recording, writeRecording } from '../support/simulator/recording.ts';
import type { Simulation } from '../support/simulator/simulate.ts';
import { families } from './families.ts';
import type { Incident } from './incident.ts';
import { type Score, scoreOf, wouldEndIt } from './outcome.ts';

export interface ScoredIncident extends Score {
  family: string;
  name: string;
  expected: Expectation;
  diagnosis: Diagnosis;
  shortfall: string | undefined;
  /** The first lines would have ended it; null where nothing is to be ended, or the evidence cannot tell. */
  ended: boolean | null;
}

export const RECORDED_FAMILY = 'recorded incidents';
const recordedRoot = join(import.meta.dirname, '../scenarios');

/** The names of the committed incidents. */
export const recordedNames = (): string[] =>
  readdirSync(recordedRoot)
    .filter((one) => /^\d/.test(one))
    .sort();

export async function scoreRecorded(name: string): Promise<ScoredIncident> {
  const folder = join(recordedRoot, name);
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expectation;
  const diagnosis = await diagnosisOf(folder, expected.statuses);
  const ended = wouldEndIt(diagnosis, expected.verdict.cause);
  return {
    family: RECORDED_FAMILY,
    name,
    expected,
    diagnosis,
    shortfall: undefined,
    ended,
    ...scoreOf(diagnosis, expected, null),
  };
}

export async function scoreIncident(family: string, incident: Incident): Promise<ScoredIncident> {
  const { simulation, expected, diagnosis } = await writeAndDiagnose(incident);
  const { name, shortfall } = incident;
  const truth = expected.statuses === undefined ? simulation.truth : null;
  const ended = wouldEndIt(diagnosis, expected.verdict.cause);
  return { family, name, expected, diagnosis, shortfall, ended, ...scoreOf(diagnosis, expected, truth) };
}

/** The committed incidents first, then the families in their order. `wanted` keeps those whose name contains it. */
export async function runSuite(wanted = ''): Promise<ScoredIncident[]> {
  const recorded = recordedNames().filter((name) => name.includes(wanted));
  const made = families.flatMap(({ title, incidents }) =>
    incidents.filter(({ name }) => name.includes(wanted)).map((incident) => ({ title, incident })),
  );
  return [
    ...(await runConcurrently(recorded, scoreRecorded)),
    ...(await runConcurrently(made, ({ title, incident }) => scoreIncident(title, incident))),
  ];
}

/** Some at a time, results in order: an incident is simulated while another one's files are read. */
export async function runConcurrently<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  atOnce = 3,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as Item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/** What the command says about an incident that exists only for the moment. */
export async function writeAndDiagnose(
  recording: Recording,
): Promise<{ simulation: Simulation; expected: Expectation; diagnosis: Diagnosis }> {
  const root = mkdtempSync(join(tmpdir(), 'alb502-suite-'));
  try {
    const { simulation, expected } = writeRecording(recording, root);
    const diagnosis = await diagnosisOf(join(root, recording.name), expected.statuses);
    return { simulation, expected, diagnosis };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

export const diagnosisOf = async (folder: string, statuses: string[] = []): Promise<Diagnosis> =>
  (await diagnoseRecording(await readIncident(folder), statuses.join(' '))).diagnosis;
