/** Upgrades a diagnosis of an earlier version: fills in the fields added since. */
import type { CauseResult, CheckFinding, Diagnosis } from '../diagnose/diagnosis.ts';

type Added<T, Keys extends keyof T> = Omit<T, Keys> & Partial<Pick<T, Keys>>;

type StoredStep = Omit<Diagnosis['steps'][number], 'findings'> & { findings: Added<CheckFinding, 'missing'>[] };
type AddedFields = 'gapDetails' | 'networkPaths' | 'parts' | 'events' | 'beside' | 'impact';

export type StoredDiagnosis = Omit<Added<Diagnosis, AddedFields>, 'asked' | 'causes' | 'steps' | 'verdict'> & {
  asked: Added<Diagnosis['asked'], 'targetGroup' | 'zone'>;
  causes: Added<CauseResult, 'summary'>[];
  steps: StoredStep[];
  verdict: Diagnosis['verdict'] | Omit<Diagnosis['verdict'], 'explains'>;
};

/** Missing fields become empty; a gap without details keeps its sentence. */
export const upgradeDiagnosis = (stored: StoredDiagnosis): Diagnosis => {
  const { verdict, causes, triage } = stored;
  const explains = causes.find(({ id }) => id === verdict.cause)?.explains ?? 0;
  return {
    ...stored,
    asked: { ...stored.asked, targetGroup: stored.asked.targetGroup ?? null, zone: stored.asked.zone ?? null },
    causes: causes.map((cause) => {
      if (cause.summary !== undefined) return { ...cause, summary: cause.summary };
      const [first] = cause.for;
      return first === undefined ? { ...cause, summary: null } : { ...cause, summary: first, forInSummary: 1 };
    }),
    steps: stored.steps.map((step) => ({
      ...step,
      findings: step.findings.map((finding) => ({ ...finding, missing: finding.missing ?? [] })),
    })),
    verdict: { explains, ...verdict } as Diagnosis['verdict'],
    parts: stored.parts ?? [],
    events: stored.events ?? [],
    beside: stored.beside ?? {
      targetMade: {},
      clientClosed: triage.clientClosed,
      statuses: [],
      badRequestGroups: [],
    },
    impact: stored.impact ?? (verdict.standing === 'none' ? 'none' : 'high'),
    networkPaths: stored.networkPaths ?? [],
    gapDetails:
      stored.gapDetails ??
      stored.gaps.map((sentence) => ({ kind: 'failed', sentence, iamStatement: null, evidence: 'accessLog' })),
  };
};
