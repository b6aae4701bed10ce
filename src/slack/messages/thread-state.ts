/** State that the messages of a thread show, and their shared wording. */

import type { Diagnosis, StepNumber } from '../../diagnose/diagnosis.ts';
import { escapeDiagnosis } from '../../render/escape-diagnosis.ts';
import { dateOf } from '../../render/phrases.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Run } from '../../runs/run.ts';
import { redactSecrets } from './redact-text.ts';

export interface ThreadState {
  run: Run;
  diagnosis: Diagnosis | null;
  episode: Episode | null;
}

const sanitizedDiagnoses = new WeakMap<Diagnosis, Diagnosis>();

/** Removes control characters, bidirectional overrides and secrets; cached for all messages of a thread. */
function sanitizeDiagnosis(diagnosis: Diagnosis): Diagnosis {
  const result = sanitizedDiagnoses.get(diagnosis) ?? escapeDiagnosis(diagnosis, redactSecrets);
  sanitizedDiagnoses.set(diagnosis, result);
  return result;
}

/** Makes the state safe to show. */
export const sanitizeState = (state: ThreadState): ThreadState => ({
  ...state,
  diagnosis: state.diagnosis === null ? null : sanitizeDiagnosis(state.diagnosis),
});

/** Short names of the steps. */
export const STEP_NAMES: Record<StepNumber, string> = {
  1: 'Access log',
  2: 'Protocol and ports',
  3: 'Keep-alive',
  4: 'Responses',
  5: 'Security groups, NACLs',
  6: 'Targets',
};

/** "02:40" for a whole minute, else "02:40:14". */
export const shortClock = (iso: string): string => {
  const time = /T(\d\d:\d\d)(:\d\d)(?:\.\d+)?/.exec(iso);
  return time === null ? iso : `${time[1]}${time[2] === ':00' ? '' : time[2]}`;
};

/** "02:40–02:55 UTC", with dates that differ from `namedDay`. */
export function windowWords(from: string, to: string, namedDay: string): string {
  const date = (iso: string, other: string) => (dateOf(iso) === dateOf(other) ? '' : `${dateOf(iso)} `);
  return `${date(from, namedDay)}${shortClock(from)}–${date(to, from)}${shortClock(to)} UTC`;
}

/**
 * " in its last 12 h" for an episode that began before the window, so that readers do not take its errors for all
 * errors.
 */
export function episodePartWords({ from, to }: { from: string; to: string }, episode: Episode | null): string {
  if (episode === null || Date.parse(from) <= Date.parse(episode.openedAt)) return '';
  return ` in its last ${durationWords(Date.parse(to) - Date.parse(from))}`;
}

/** "03:06 UTC", with its date if it differs. */
export const momentWords = (iso: string, namedDay: string): string =>
  `${dateOf(iso) === dateOf(namedDay) ? '' : `${dateOf(iso)} `}${shortClock(iso)} UTC`;

/** 1860000 → "31 min"; "45 s", "2 h 5 min". */
export function durationWords(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}
