import { list, number, plural, secondsBetween, shortDuration, utcTime } from '../../format/wording.ts';
import type { CheckVerdict } from '../check-verdict.ts';
import { changesTo, type Mutation } from '../patterns/configuration-changes.ts';
import { groupBy } from '../traffic.ts';
import { defineCheck } from './check.ts';

const HOUR = 3_600_000;
/** CloudTrail delivers most events within about 15 minutes of the call (CloudTrail user guide, event history). */
const LAG_MS = 15 * 60_000;
/** Milliseconds before the first error within which a change is worth checking. */
const BEFORE_MS = HOUR;

export const recentChanges = defineCheck({
  id: 'recent-changes',
  step: 6,
  subject: 'recent changes',
  question: 'Was the configuration unchanged since an hour before the errors?',
  why: 'A change shortly before the first error is the first suspect. After a later change, the current configuration may not be the one that failed.',
  fix: 'Look at what these calls changed, and compare with the configuration at the time of the errors.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudtrail-logs.html',
  symptom: true,
  isTimed: true,
  needs: ['changes'],
  wants: ['traffic', 'targetGroups'],

  evaluate({ changes, traffic, targetGroups }, question): CheckVerdict {
    const groupsInLog = traffic?.log.targets.map(({ target_group_arn }) => target_group_arn) ?? [];
    const groups = targetGroups?.map(({ TargetGroupArn }) => TargetGroupArn) ?? groupsInLog;
    const calls = changesTo(question.loadBalancer.name, groups, changes);
    const first = traffic?.errors[0]?.at ?? null;
    const start = first ?? question.from;
    const before = calls.filter(({ at }) => at >= start - BEFORE_MS && at < start);
    const since = calls.filter(({ at }) => at >= start);
    const facts = [
      { label: 'changes to the load balancer and its targets in the hour before', value: before.length },
      { label: 'changes since', value: since.length },
    ];
    if (before.length + since.length === 0 && question.now < start + LAG_MS) {
      const when = first === null ? 'window' : 'first error';
      return {
        outcome: 'unknown',
        summary: `No change is recorded from an hour before the ${when} on, but CloudTrail records calls up to 15 min late: look again at ${utcTime(start + LAG_MS)}.`,
        facts,
      };
    }
    if (before.length + since.length === 0) {
      const last = calls[calls.length - 1];
      const earlier = last
        ? `the last change, ${last.name}, was ${ago(last.at, start)} before ${first === null ? 'the window' : 'that error'}`
        : 'CloudTrail shows no earlier change either';
      return {
        outcome: 'pass',
        summary: `No change from an hour before the ${first === null ? 'window' : 'first error'} until now; ${earlier}.`,
        facts,
      };
    }
    const what = first === null ? 'the window' : 'the first error';
    const parts = [
      ...(before.length > 0
        ? [earlierText([...before].reverse(), (call) => `${ago(call.at, start)} before ${what}`)]
        : []),
      ...(since.length > 0
        ? [
            `${plural(since.length, 'change')} since ${what}: ${laterText(since)}. The configuration read now may differ from the configuration during the errors.`,
          ]
        : []),
    ];
    const brief = `${plural(before.length + since.length, 'change')} near ${what}`;
    return { outcome: 'fail', summary: parts.join(' '), brief, facts };
  },
});

/** "ModifyRule by alice at 02:37:10 UTC, 3 min before the first error. Another ModifyRule came before that, at 02:31:00 UTC." */
function earlierText([latest, ...others]: Mutation[], describe: (call: Mutation) => string): string {
  if (!latest) return '';
  const [other] = others;
  const more =
    other === undefined
      ? ''
      : others.length > 1
        ? ` ${number(others.length)} other changes came before that: ${namesText(others)}.`
        : ` ${other.name === latest.name ? `Another ${other.name}` : other.name} came before that, at ${utcTime(other.at)}.`;
  return `${callText(latest)}, ${describe(latest)}.${more}`;
}

/** "ModifyRule by alice at 03:00:00 UTC; after that, 2 × RegisterTargets". */
function laterText([first, ...others]: Mutation[]): string {
  if (!first) return '';
  return `${callText(first)}${others.length > 0 ? `; after that, ${namesText(others)}` : ''}`;
}

const callText = ({ name, user, at }: Mutation): string => `${name}${user ? ` by ${user}` : ''} at ${utcTime(at)}`;

const namesText = (calls: readonly Mutation[]): string =>
  list(
    [...groupBy(calls, ({ name }) => name)].map(([name, same]) =>
      same.length === 1 ? name : `${number(same.length)} × ${name}`,
    ),
  );

/** The time from one moment to another; to the second below five minutes. */
function ago(from: number, to: number): string {
  const shown = secondsBetween(from, to);
  if (shown < 1) return 'less than 1 s';
  return to - from < 48 * HOUR ? shortDuration(shown) : `${Math.round((to - from) / (24 * HOUR))} days`;
}
