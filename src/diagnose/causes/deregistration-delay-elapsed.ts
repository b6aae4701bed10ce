import { command } from '../../format/command.ts';
import { durationSpread, iso, list, plural, requestsOf, seconds, utcTime, wholeSeconds } from '../../format/wording.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, type Strength, untested } from '../judgement.ts';
import { type AbortedRequests, abortedRequests } from '../patterns/aborted-requests.ts';
import { registrationOf } from '../targets/registration.ts';
import { countErrors, nameOf, namesOf, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

const WANTS = ['targetGroupAttributes', 'targetHealth', 'instances', 'networkInterfaces', 'changes'] as const;
type DelayEvidence = CauseEvidence<(typeof WANTS)[number]>;

/**
 * Milliseconds after the error from which an entry of the target is a new request, not one that ended with the error.
 */
const AFTERWARDS_MS = 1_000;

export const deregistrationDelayElapsed = defineCause({
  id: 'deregistration-delay-elapsed',
  title: 'Deregistration delay exceeded',
  explanation:
    'A target was deregistered, and a request it still worked on took longer than the deregistration delay; the load balancer ended it.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#deregistration-delay',
  signatures: ['no-response-aborted'],
  events: ['rollout'],
  breakingCalls: [
    {
      name: /^ModifyTargetGroupAttributes$/,
      asked: /deregistration_delay/,
      outcome: 'requests were cut off at the deregistration delay',
    },
  ],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const groups = abortedRequests(traffic, evidence);
    const judged = groups.map((group) => ({ group, ...judgeTarget(group, evidence) }));
    const own = groups.flatMap(({ errors }) => errors);
    const firm = judged.filter(({ strength }) => strength !== 'possible');
    return claimErrors(
      {
        claims: judged.flatMap(({ group, strength, sure }) => splitClaims(group, strength, sure)),
        for: [
          `${requestsOf(countErrors(own), traffic.errorCount)} reached the target, and the load balancer ended their connection after ${durationRange(own)}, before any response.`,
          ...judged.flatMap(({ supports }) => supports),
        ],
        against: judged.flatMap(({ contradicts }) => contradicts),
        missing: judged.length > firm.length ? missingEvidenceText(evidence) : [],
        fix: fixFor(traffic, firm.length > 0 ? firm.map(({ group }) => group) : groups),
        ...(firm.length > 0 && {
          summary: `${list(
            namesOf(
              traffic,
              firm.map(({ group }) => group.target),
            ),
          )} ${firm.length === 1 ? 'was' : 'were'} deregistered, and the deregistration delay ran out on ${plural(countErrors(firm.flatMap(({ group }) => group.errors)), 'request')} still in flight.`,
        }),
      },
      untested(),
    );
  },
});

function fixFor(traffic: Traffic, groups: AbortedRequests[]): Fix {
  const arns = [...new Set(groups.map(({ target_group_arn }) => target_group_arn))].sort();
  const [value, longest] = [recommendedDelay(traffic, groups), longestRequest(traffic, groups)];
  return {
    summary: `Raise the deregistration delay above the longest request${longest > 0 ? ` (${seconds(longest)} was seen)` : ''}, and keep the target running that long.`,
    commands: arns.map(
      (arn) =>
        command`aws elbv2 modify-target-group-attributes --target-group-arn ${arn} --attributes Key=deregistration_delay.timeout_seconds,Value=${value}`,
    ),
    sideEffects: [
      `Deployments and scale-in take longer: a target with a request in flight drains for up to ${wholeSeconds(value)}.`,
      'The stop timeout of the container or host must be at least as long.',
    ],
  };
}

interface TargetJudgement {
  strength: Strength;
  /** The errors with that strength; the others are possible. */
  sure: SampledError[];
  supports: string[];
  contradicts: string[];
}

function judgeTarget(group: AbortedRequests, evidence: DelayEvidence): TargetJudgement {
  const { errors, simultaneous, deregisteredAt, delay, tooShort, presence, target } = group;
  const name = nameOf(evidence.traffic, target);
  const contradicts = tooShort.length > 0 && delay !== null ? [tooShortSentence(group, name, delay)] : [];
  const judgement = (strength: Strength, sure: SampledError[], ...supports: string[]) => ({
    strength,
    sure,
    supports,
    contradicts,
  });
  if (deregisteredAt !== null) {
    const end = errors.find((error) => error.at > deregisteredAt)?.at ?? deregisteredAt;
    const after = seconds((end - deregisteredAt) / 1000);
    return judgement(
      'confirmed',
      errors,
      `CloudTrail: ${name} was deregistered at ${utcTime(deregisteredAt)}, ${after} before its first error.`,
    );
  }
  if (simultaneous.length > 0) {
    const moment = simultaneous[0]?.at ?? 0;
    return judgement(
      'confirmed',
      simultaneous,
      `${plural(simultaneous.length, 'request')} to ${name} ended together at ${iso(moment).slice(11, 23)} UTC, after ${durationRange(simultaneous)}: one timer of the target, not of each request.`,
      ...delayInForceText(simultaneous),
    );
  }
  const state = registrationOf(group.target_group_arn, target, evidence)?.state ?? null;
  if (state === 'draining') return judgement('confirmed', errors, `${name} is draining.`);
  const last = presence?.lastSeen ?? null;
  const ended = Math.max(...errors.map((error) => error.at));
  if (last !== null && last > ended + AFTERWARDS_MS) {
    contradicts.push(
      `${name} still got requests until ${utcTime(last)}, ${seconds((last - ended) / 1000)} after its last error.`,
    );
    return judgement('possible', []);
  }
  // If the numbers disagree with the delay, a look-alike may be the cause.
  const strength = tooShort.length > 0 ? 'possible' : 'likely';
  const noAnswer =
    'target_processing_time is -1: as far as rows are known, a target that closes leaves the time it took, and the load balancer that ends a request does not';
  // AWS documents that an early close may leave -1 too, so the row proves nothing unless the target left.
  if (presence?.left !== true) return judgement('possible', [], `${name}: ${noAnswer}.`);
  const silent = `${name} got no request after ${utcTime(ended)}, while the others went on`;
  if (state === 'absent') return judgement('confirmed', errors, `${silent}, and it is not registered now.`);
  return judgement(strength, errors, `${silent}.`);
}

/**
 * Sentence for errors that were all in flight, or sent before the nodes learned of the deregistration, when the delay
 * began.
 */
function delayInForceText(together: readonly SampledError[]): string[] {
  const shortest = Math.min(...together.flatMap(({ elapsed }) => elapsed ?? []));
  return Number.isFinite(shortest)
    ? [
        `The deregistration delay in force was ${seconds(shortest)} at most, or the few seconds longer for which nodes go on choosing a target.`,
      ]
    : [];
}

function splitClaims(
  { errors }: AbortedRequests,
  strength: Strength,
  sure: SampledError[],
): { errors: SampledError[]; strength: Strength }[] {
  const taken = new Set(sure);
  const rest = errors.filter((error) => !taken.has(error));
  return [
    { errors: sure, strength },
    { errors: rest, strength: 'possible' },
  ];
}

const durationRange = (errors: SampledError[]): string =>
  durationSpread(errors.flatMap(({ elapsed }) => elapsed ?? []));

const tooShortSentence = ({ tooShort, target_group_arn }: AbortedRequests, name: string, delay: number): string =>
  `${plural(countErrors(tooShort), 'request')} to ${name} ended after ${durationRange(tooShort)}; the deregistration delay of ${targetGroupName(target_group_arn)} is ${wholeSeconds(delay)} now, and a request in flight at deregistration lasts about that long or longer.`;

function missingEvidenceText({ targetHealth, changes }: DelayEvidence): string[] {
  return [
    ...(changes ? [] : ['DeregisterTargets calls (cloudtrail:LookupEvents) could not be read.']),
    ...(targetHealth ? [] : ['Target health (elasticloadbalancing:DescribeTargetHealth) could not be read.']),
  ];
}

/** Seconds: the longest request on these routes that succeeded or was cut off. */
function longestRequest(traffic: Traffic, groups: AbortedRequests[]): number {
  const cut = groups.flatMap(({ errors }) => errors);
  const routes = new Set(cut.map((error) => error.route));
  const succeeded = traffic.log.routes
    .filter(({ route }) => routes.has(route))
    .map((route) => route.succeededMaxMs / 1000);
  return Math.max(0, ...succeeded, ...cut.map(({ elapsed }) => elapsed ?? 0));
}

/** Seconds: 1.5 times the longest request, above the current delay, rounded up to 30 s, at most the allowed 3600 s. */
function recommendedDelay(traffic: Traffic, groups: AbortedRequests[]): number {
  const configured = Math.max(0, ...groups.map(({ delay }) => delay ?? 0));
  const wanted = Math.max(longestRequest(traffic, groups) * 1.5, configured + 1);
  return Math.min(3600, Math.ceil(wanted / 30) * 30);
}
