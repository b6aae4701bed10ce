import type { Question } from '../../evidence/evidence.ts';
import { durationSpread, list, number, outOf, plural, seconds, wholeSeconds } from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import type { DurationCluster } from '../patterns/durations.ts';
import {
  allCarryBodies,
  type IdleTimeouts,
  idleTimeouts,
  isBodiless,
  methodOf,
  SMALL_BODY,
} from '../patterns/idle-timeouts.ts';
import {
  attributesMissing,
  judgeWithoutIdleTimeout,
  RAISED_IDLE_TIMEOUT,
  raiseIdleTimeout,
  routeSentences,
} from '../patterns/slow-requests.ts';
import { countErrors, type SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const slowUpload = defineCause({
  id: 'slow-upload',
  title: 'Upload of the request body too slow',
  explanation:
    'The body of the request arrived too slowly, or the target read it too slowly, so that no response came before the idle timeout.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-syntax',
  signatures: ['idle-timeout', 'closed-before-response'],
  wants: ['attributes'],

  judge({ traffic, attributes }, question): Judgement {
    const parts = idleTimeouts(traffic, attributes);
    const cut = closedParts(traffic).durationClusters.filter(({ errors }) => allCarryBodies(errors));
    const fix = fixFor(parts, question);
    if (parts.all.length === 0) return cut.length > 0 ? cutOff(cut, fix) : judgeWithoutIdleTimeout(traffic, attributes);
    const own = [...parts.upload, ...parts.either];
    if (own.length === 0 && cut.length > 0) return cutOff(cut, fix);
    if (own.length === 0) {
      const noBody = parts.all.every(isBodiless);
      if (!noBody) return untested(['Whether more of a body was to come: no field of the log says.']);
      return countErrors(parts.all) === traffic.errorCount ? ruledOut(against(parts.all, parts.sameRoute)) : untested();
    }
    const limit = parts.effective ?? parts.configured;
    const late = own.filter(({ elapsed }) => elapsed !== null && limit !== null && elapsed > limit + 1);
    return claimErrors(
      {
        // The body was slow to come; whether it stopped, or the target was slow after it, no row tells.
        claims: [{ errors: [...own, ...cut.flatMap(({ errors }) => errors)], strength: 'possible' }],
        for: [
          `${outOf(countErrors(own), traffic.errorCount)} errors had sent ${number(Math.min(...own.map((e) => e.received_bytes)))} to ${number(Math.max(...own.map((e) => e.received_bytes)))} bytes.`,
          ...(late.length > 0 && limit !== null
            ? [
                `${plural(countErrors(late), 'error')} ended after ${durationSpread(late.flatMap(({ elapsed }) => elapsed ?? []))}, well above the timer of ${wholeSeconds(limit)}: bytes still moved after the request was sent on.`,
              ]
            : []),
          ...(parts.upload.length > 0 ? ['No request without a body timed out.'] : []),
          ...routeSentences(traffic, own),
        ],
        against: ['A target that is slow to answer would look the same.'],
        missing: [
          ...attributesMissing(attributes),
          'When the application had read the whole body (its log, by trace id) would settle it.',
        ],
        fix,
      },
      untested(),
    );
  },

  judgeWithoutErrors: ({ traffic, attributes }) => judgeWithoutIdleTimeout(traffic, attributes),
});

function fixFor({ effective, configured }: IdleTimeouts, question: Question): Fix {
  return {
    summary:
      'Let clients upload large bodies straight to S3 with a presigned URL, or in parts; have the application read the body as it arrives.',
    commands: [raiseIdleTimeout(question.loadBalancer.arn, Math.min(4000, (effective ?? configured ?? 60) * 2))],
    notes: ['Until then, a longer idle timeout of the load balancer lets them through.'],
    sideEffects: [RAISED_IDLE_TIMEOUT],
  };
}

/** A server gives up on a body as on its own work: after a fixed time, without an answer (nginx: client_body_timeout). */
function cutOff(durationClusters: DurationCluster[], fix: Fix): Judgement {
  const errors = durationClusters.flatMap((clock) => clock.errors);
  return claimErrors(
    {
      claims: [{ errors, strength: 'possible' }],
      for: durationClusters.map(
        ({ seconds: at, errors: own }) =>
          `${plural(own.length, 'error')} with ${number(SMALL_BODY)} bytes or more to send ended after ${seconds(at)}, as a timeout for the body would end them.`,
      ),
      against: ['A timeout of the target for its own work would look the same.'],
      missing: ["The log of the target's web server: 408, or a client that sent its body too slowly."],
      fix,
    },
    untested(),
  );
}

function against(all: SampledError[], sameRoute: SampledError[]): string[] {
  const bodies = new Set(sameRoute);
  const [bodiless, small] = [all.filter(isBodiless), all.filter((error) => !isBodiless(error) && !bodies.has(error))];
  const sentences: string[] = [];
  if (bodiless.length > 0)
    sentences.push(`${plural(countErrors(bodiless), 'error')} had a method without a body: nothing to be slow with.`);
  if (small.length > 0) {
    const most = Math.max(...small.map((error) => error.received_bytes));
    sentences.push(
      `${plural(countErrors(small), 'error')} with ${list([...new Set(small.map(methodOf))].sort())} had sent ${number(most)} bytes at most: next to nothing.`,
    );
  }
  if (sameRoute.length > 0) {
    sentences.push(
      `${plural(countErrors(sameRoute), 'error')} with a body ended at the timer, on routes where small requests timed out as well.`,
    );
  }
  return sentences;
}
