/** Progress of collecting evidence, by step of the checklist. Times are milliseconds of any one clock. */
import type { StepNumber } from '../diagnose/diagnosis.ts';
import type { EvidenceName } from '../evidence/evidence.ts';

/** Start and end of collecting each piece of evidence. */
export interface CollectionProgress {
  started: Partial<Record<EvidenceName, number>>;
  ended: Partial<Record<EvidenceName, { at: number; unavailable: boolean }>>;
  /** Current work on the access log, in a few words. */
  accessLogStatus?: string;
  /** Sentence about the findings so far, before the access log is read. */
  interimVerdict?: string;
}

export const emptyProgress = (): CollectionProgress => ({ started: {}, ended: {} });

/** The checklist step that shows the progress of each piece of evidence. */
const STEP_OF: Record<EvidenceName, StepNumber> = {
  accessLog: 1,
  metrics: 1,
  edge: 1,
  loadBalancer: 2,
  listeners: 2,
  rules: 2,
  targetGroups: 2,
  attributes: 3,
  securityGroups: 5,
  networkAcls: 5,
  subnets: 5,
  routeTables: 5,
  networkInterfaces: 5,
  instances: 5,
  prefixLists: 5,
  targetGroupAttributes: 6,
  targetHealth: 6,
  functions: 6,
  functionAliases: 6,
  tags: 6,
  services: 6,
  tasks: 6,
  taskDefinitions: 6,
  containerInstances: 6,
  serviceDeployments: 6,
  serviceRevisions: 6,
  scalingActivities: 6,
  lifecycleHooks: 6,
  codeDeployments: 6,
  changes: 6,
};

const NAMES = Object.keys(STEP_OF) as EvidenceName[];

/** Returns the evidence a step needs. The response format is judged from the access log alone. */
const evidenceForStep = (step: StepNumber): readonly EvidenceName[] =>
  step === 4 ? ['accessLog'] : NAMES.filter((name) => STEP_OF[name] === step);

/** Progress of a step: `unavailable` counts the evidence of `needed` that could not be collected. */
interface StepProgress {
  state: 'pending' | 'under way' | 'done';
  began: number | null;
  ended: number | null;
  unavailable: number;
  needed: number;
}

export function stepProgress(progress: CollectionProgress, step: StepNumber): StepProgress {
  const names = evidenceForStep(step);
  const began = names.flatMap((name) => progress.started[name] ?? []);
  const ended = names.flatMap((name) => progress.ended[name] ?? []);
  const isDone = began.length > 0 && ended.length === names.length;
  return {
    state: began.length === 0 ? 'pending' : isDone ? 'done' : 'under way',
    began: began.length === 0 ? null : Math.min(...began),
    ended: isDone ? Math.max(...ended.map(({ at }) => at)) : null,
    unavailable: ended.filter(({ unavailable }) => unavailable).length,
    needed: names.length,
  };
}
