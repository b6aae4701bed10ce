/** Compares errors before, during and after a deployment with the traffic of the same times. */

import type { Question } from '../../evidence/question.ts';
import { number, percent, plural, sentenceCase, shortDuration, utcTime, utcTimeSpan } from '../../format/wording.ts';
import type { Deployment } from '../targets/deployment-types.ts';
import { isPart } from '../targets/weight-steps.ts';
import { countErrors, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { binomialTail } from './chance.ts';
import { revisionErrors, separateErrors } from './revision-errors.ts';

/** A part of the window: errors of the deployment's target groups, and the part's share of all requests. */
interface Phase {
  seconds: number;
  errors: number;
  requestShare: number;
}

/** Errors of the new targets while they got this share of the traffic, in percent. */
interface WeightErrors {
  percent: number;
  seconds: number;
  errors: number;
}

interface DeploymentErrors {
  deployment: Deployment;
  /** By weight in the window, oldest first; empty if the new targets never got a part of the traffic. */
  byWeight: WeightErrors[];
  /** Null if the window starts later. */
  before: Phase | null;
  during: Phase | null;
  after: Phase | null;
  /**
   * began: more errors since the deployment started than its share of the traffic explains. ended: they also stopped
   * with it. stopped: errors before it, and almost none since. same: errors before it too, without a change. unknown:
   * too few errors, or too little traffic before it.
   */
  change: 'began' | 'ended' | 'stopped' | 'same' | 'unknown';
  /** Whether old and new revisions fail alike, so that the deployment is not what failing requests have in common. */
  revisionsAlike: boolean;
}

const MOST_BY_CHANCE = 1e-3;
/** Fewer separate errors show no change. */
const FEWEST_ERRORS = 8;

/** In the order of the deployments; excludes deployments without errors of their target groups. */
export function deploymentErrors(
  deployments: readonly Deployment[],
  traffic: Traffic,
  question: Question,
): DeploymentErrors[] {
  return deployments.flatMap((deployment) => {
    const errors = traffic.errors.filter(({ target_group_arn }) => deployment.targetGroups.includes(target_group_arn));
    if (errors.length === 0) return [];
    const start = Math.max(question.from, deployment.from);
    const end = Math.max(start, Math.min(question.to, deployment.to ?? question.to));
    const phase = (from: number, to: number) => phaseOf(errors, traffic, { from, to });
    const before = phase(question.from, start);
    const during = phase(start, end);
    const after = phase(end, question.to);
    const change = changeOf(separateErrors(errors), { start, end }, { before, during, after }, deployments.length);
    const byWeight = errorsByWeight(errors, deployment, question);
    return [{ deployment, byWeight, before, during, after, change, revisionsAlike: areAlike(deployment, traffic) }];
  });
}

function errorsByWeight(
  errors: readonly SampledError[],
  { shift, to }: Deployment,
  question: Question,
): WeightErrors[] {
  if (shift === null || !shift.steps.some(({ percent }) => isPart(percent))) return [];
  const own = errors.filter(({ target_group_arn }) => target_group_arn === shift.targetGroup);
  return shift.steps.flatMap(({ at, percent }, index) => {
    const from = Math.max(at, question.from);
    const end = Math.min(shift.steps[index + 1]?.at ?? to ?? question.to, question.to);
    if (end <= from || percent === 0) return [];
    const within = own.filter((error) => error.at >= from && error.at < end);
    return [{ percent, seconds: (end - from) / 1000, errors: countErrors(within) }];
  });
}

type Phases = Pick<DeploymentErrors, 'before' | 'during' | 'after'>;

function phaseOf(
  errors: readonly SampledError[],
  { log }: Traffic,
  { from, to }: { from: number; to: number },
): Phase | null {
  if (to <= from) return null;
  const total = log.minutes.reduce((sum, { requests }) => sum + requests, 0);
  const within = log.minutes.reduce((sum, { minute, requests }) => {
    const overlap = Math.min(to, minute + MINUTE) - Math.max(from, minute);
    return sum + requests * Math.max(0, overlap / MINUTE);
  }, 0);
  return {
    seconds: (to - from) / 1000,
    errors: countErrors(errors.filter(({ at }) => at >= from && at < to)),
    requestShare: within / Math.max(1, total),
  };
}

const MINUTE = 60_000;

function changeOf(
  errors: readonly SampledError[],
  { start, end }: { start: number; end: number },
  { before, during, after }: Phases,
  tried: number,
): DeploymentErrors['change'] {
  if (errors.length < FEWEST_ERRORS) return 'unknown';
  const since = errors.filter(({ at }) => at >= start);
  const shareSince = (during?.requestShare ?? 0) + (after?.requestShare ?? 0);
  const began = before !== null && tried * binomialTail(since.length, errors.length, shareSince) <= MOST_BY_CHANCE;
  if (!began) {
    if (before === null || before.errors === 0) return 'unknown';
    const byChance = binomialTail(errors.length - since.length, errors.length, before.requestShare);
    return tried * byChance <= MOST_BY_CHANCE ? 'stopped' : 'same';
  }
  if (during === null || after === null) return 'began';
  const own = since.filter(({ at }) => at < end).length;
  const share = during.requestShare / Math.max(Number.EPSILON, shareSince);
  return tried * binomialTail(own, since.length, share) <= MOST_BY_CHANCE ? 'ended' : 'began';
}

/** Minimum requests to each revision for a comparison. */
const FEWEST_REQUESTS = 100;
/** Rates that differ by less than this factor are alike. */
const TIMES_ALIKE = 2;

/** Whether the deployment's revision and the other revisions of its service fail alike. */
function areAlike({ revision: name }: Deployment, traffic: Traffic): boolean {
  const revisions = revisionErrors(traffic).find((own) => own.some(({ revision }) => revision === name)) ?? [];
  const own = revisions.find(({ revision }) => revision === name);
  const others = revisions.filter(({ revision }) => revision !== name);
  const requests = others.reduce((sum, each) => sum + each.requests, 0);
  if (own === undefined || own.requests < FEWEST_REQUESTS || requests < FEWEST_REQUESTS) return false;
  const rate = own.errors / own.requests;
  const otherRate = others.reduce((sum, each) => sum + each.errors, 0) / requests;
  return rate > 0 && otherRate > 0 && rate < TIMES_ALIKE * otherRate && otherRate < TIMES_ALIKE * rate;
}

/**
 * "The deployment of feed-api:48 has been running since 13:05:00 UTC: no errors in the 5 min before it, 133 in the 10 min
 * since; …".
 */
export function deploymentSentence(result: DeploymentErrors, failsAlone: boolean): string {
  const { deployment, before, during, after } = result;
  const { name, from, to } = deployment;
  const when = to === null ? `has been running since ${utcTime(from)}` : `ran from ${utcTimeSpan(from, to)}`;
  const inWindow = before === null;
  const phases: [Phase | null, string][] = [
    [before, 'before it'],
    [during, to === null ? (inWindow ? 'of the window' : 'since') : inWindow ? 'it ran in the window' : 'it ran'],
    [after, 'after it'],
  ];
  const counts = phases
    .flatMap(([phase, text]) => (phase === null ? [] : [{ ...phase, text }]))
    .map(({ errors, seconds, text }, index) => {
      const none = errors < 0.5;
      const count = index === 0 ? (none ? 'no errors' : plural(errors, 'error')) : none ? 'none' : number(errors);
      return `${count} in the ${shortDuration(seconds)} ${text}`;
    });
  const sentence = `${sentenceCase(name)} ${when}: ${counts.join(', ')}${changeText(result, failsAlone)}.`;
  return [sentence, ...weightSentence(result)].join(' ');
}

/** "With 10 % of the traffic, feed-api:48 had 30 errors in 5 min; with 50 %, 103 errors in 8 min." */
function weightSentence({ deployment: { revision, shift, to }, byWeight }: DeploymentErrors): string[] {
  if (shift === null) return [];
  const who = revision ?? targetGroupName(shift.targetGroup);
  if (byWeight.length === 0)
    return to === null && shift.percentNow !== null && isPart(shift.percentNow)
      ? [`${who} has ${percent(shift.percentNow / 100)} of the traffic.`]
      : [];
  const each = byWeight.map((one, index) => {
    const count = one.errors < 0.5 ? 'no error' : plural(one.errors, 'error');
    const share = percent(one.percent / 100);
    return `${index === 0 ? `with ${share} of the traffic, ${who} had` : `with ${share},`} ${count} in ${shortDuration(one.seconds)}`;
  });
  return [`${sentenceCase(each.join('; '))}.`];
}

/** `failsAlone`: the comparison of revisions decides, so it does not matter that the times do not. */
function changeText(
  {
    before,
    during,
    after,
    change,
    revisionsAlike,
  }: Pick<DeploymentErrors, 'before' | 'during' | 'after' | 'change' | 'revisionsAlike'>,
  failsAlone: boolean,
): string {
  if (before === null) return '; it began before the window';
  if (change === 'unknown') return failsAlone ? '' : '; too little to tell a change from chance';
  if (change === 'same') return '; the error rate did not change with it';
  if (change === 'stopped') {
    const later = (during?.errors ?? 0) + (after?.errors ?? 0);
    return later < 0.5 ? '; the errors ended with it' : '; the errors fell off with it';
  }
  const alike = revisionsAlike ? ', but old and new targets fail alike' : '';
  const share = ` (${percent(before.requestShare)} of the requests came before it)`;
  const ended =
    after === null || after.errors < 0.5 ? 'began and ended with it' : 'began with it and fell off after it';
  return `; the errors ${change === 'ended' ? ended : 'began with it'}${share}${alike}`;
}
