/** A live run against an account of a test: the evidence, and how the calls followed one another. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { liveCollectors } from '../../../src/collect/aws/aws-collectors.ts';
import { findLive, knownByArn } from '../../../src/collect/aws/load-balancer.ts';
import { openSession, type Session } from '../../../src/collect/aws/session.ts';
import { collect } from '../../../src/collect/collect.ts';
import {
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../../../src/collect/incident/incident-collectors.ts';

const scenarios = join(import.meta.dirname, '../../scenarios');

/** The folder of the recorded incident with this number. */
export function incidentFolder(number: string): string {
  const name = readdirSync(scenarios).find((one) => one.startsWith(number));
  if (name === undefined) throw new Error(`There is no scenario ${number}.`);
  return join(scenarios, name);
}

/** The question the incident was recorded for, and its access log. */
export async function readRecorded(number: string) {
  const incident = await readIncident(incidentFolder(number));
  const question = questionToRecording(incident, { loadBalancer: null, window: null, statuses: null });
  return { incident, question, accessLog: recordedCollectors(incident, question).accessLog };
}

export interface SessionLimits {
  signal?: AbortSignal;
  /** Milliseconds. */
  deadline?: number;
}

export function sessionIn(
  region: string,
  { signal, deadline = 60_000 }: SessionLimits = {},
  roleArn?: string,
): Session {
  const account = roleArn === undefined ? 'default' : (/role\/(.*)$/.exec(roleArn)?.[1] ?? roleArn);
  const session = openSession(
    { account, region, roleArn },
    { signal: signal ?? new AbortController().signal, deadline },
  );
  onTestFinished(() => session.close());
  return session;
}

/** Everything but the access log, which comes from the recording. */
export async function collectLive(number: string, limits: SessionLimits & { asked?: string } = {}) {
  const { incident, question, accessLog } = await readRecorded(number);
  const asked = limits.asked ?? question.loadBalancer.name;
  const sessions = [sessionIn('eu-west-1', limits)];
  const search = findLive(asked, sessions);
  const found = knownByArn(asked, sessions, search) ?? (await search);
  const evidence = await collect(
    liveCollectors({ found, question, accessLog: () => accessLog, remainingUsd: async () => null }),
  );
  return { incident, question, evidence };
}
