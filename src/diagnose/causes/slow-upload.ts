import type { Question } from '../../evidence/question.ts';
import { durationSpread, list, number, plural, requestsOf, seconds, wholeSeconds } from '../../format/wording.ts';
import { IDLE_TIMEOUT_CHANGED } from '../breaking-call.ts';
import { claimErrors, type Fix, type Judgement, ruledOut, untested } from '../judgement.ts';
import { bodiesSent } from '../patterns/body-sizes.ts';
import { closedParts } from '../patterns/closed-connections.ts';
import { CHECKED_EVERY, type CutUpload, rarelyChecked } from '../patterns/cut-uploads.ts';
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
  longerIdleTimeout,
  routeSentences,
} from '../patterns/slow-requests.ts';
import { countErrors, type SampledError, type Traffic } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const slowUpload = defineCause({
  id: 'slow-upload',
  title: 'Slow upload of the request body',
  explanation:
    'The request body arrived too slowly, or the target read it too slowly, so no response came before the idle timeout.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-syntax',
  signatures: ['idle-timeout', 'closed-before-response'],
  breakingCalls: [IDLE_TIMEOUT_CHANGED],
  curedByIdleTimeout: true,
  wants: ['attributes'],

  judge({ traffic, attributes }, question): Judgement {
    const parts = idleTimeouts(traffic, attributes);
    const { durationClusters, cutUploads, slowRest } = closedParts(traffic);
    const rarely = rarelyChecked(traffic, slowRest);
    const cut: CutOff[] = [
      ...durationClusters
        .filter((cluster) => mayTimeBody(traffic, cluster))
        .map(({ errors, seconds: at }) => ({ errors, least: at, short: null })),
      ...cutUploads.map((upload) => ({ ...upload, short: upload })),
      ...(rarely.length > 0
        ? [{ errors: rarely, least: Math.min(...rarely.map((e) => e.target_processing_time)), short: null }]
        : []),
    ];
    const fix = fixFor(parts, question);
    if (parts.all.length === 0) return cut.length > 0 ? cutOff(cut) : judgeWithoutIdleTimeout(traffic, attributes);
    const own = [...parts.upload, ...parts.either];
    if (own.length === 0 && cut.length > 0) return cutOff(cut);
    if (own.length === 0) {
      const noBody = parts.all.every(isBodiless);
      if (!noBody) return untested(['Whether more of the body was still to come: no log field shows it.']);
      const methods = list([...new Set(parts.all.map(methodOf))].sort());
      return countErrors(parts.all) === traffic.errorCount
        ? ruledOut([`${requestsOf(traffic.errorCount, traffic.errorCount)} had no body to upload (${methods}).`])
        : untested();
    }
    const limit = parts.effective ?? parts.configured;
    const late = own.filter(({ elapsed }) => elapsed !== null && limit !== null && elapsed > limit + 1);
    return claimErrors(
      {
        // The body arrived slowly; no row shows whether it stopped or the target was slow afterwards.
        claims: [{ errors: [...own, ...cut.flatMap(({ errors }) => errors)], strength: 'possible' }],
        for: [
          ...parts.short.map(shortSentence),
          `${requestsOf(countErrors(own), traffic.errorCount)} had sent ${number(Math.min(...own.map((e) => e.received_bytes)))} to ${number(Math.max(...own.map((e) => e.received_bytes)))} bytes.`,
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
          "The application's log, by trace ID: the time at which it had read the whole body.",
        ],
        fix,
      },
      untested(),
    );
  },

  judgeWithoutErrors: ({ traffic, attributes }) => judgeWithoutIdleTimeout(traffic, attributes),
});

/** Bytes. For smaller bodies, uploading to S3 instead is no useful advice. */
const SMALL_UPLOAD = 100_000;

function fixFor({ effective, configured, short }: IdleTimeouts, question: Question): Fix {
  const isSmall = short.length > 0 && short.every(({ usual }) => usual < SMALL_UPLOAD);
  return {
    summary: isSmall
      ? 'Find out why these clients stop halfway through a small body (a poor line, a client that sends what it has yet to produce), and let them try again.'
      : 'Let clients upload large bodies straight to S3 with a presigned URL, or in parts; have the application read the body as it arrives.',
    commands: [],
    sideEffects: [],
    stopgap: longerIdleTimeout(question.loadBalancer.arn, effective ?? configured ?? 60),
  };
}

interface CutOff {
  errors: SampledError[];
  /** The shortest of their times, seconds. */
  least: number;
  /** Set if the errors sent less than the route's successes. */
  short: CutUpload | null;
}

/** Whether the timer may have waited for bodies: less was sent than usual, or the sizes are unknown. */
function mayTimeBody(traffic: Traffic, { errors }: DurationCluster): boolean {
  const sent = [...bodiesSent(traffic, errors).sent.values()];
  return (
    !errors.every(isBodiless) &&
    (sent.includes('short') || (allCarryBodies(errors) && !sent.every((one) => one === 'whole')))
  );
}

/**
 * Judges a target's timeout for bodies: it ends the request without an answer, like a timeout for the work (nginx:
 * client_body_timeout).
 */
function cutOff(cut: readonly CutOff[]): Judgement {
  const least = Math.min(...cut.map((one) => one.least));
  return claimErrors(
    {
      claims: [{ errors: cut.flatMap(({ errors }) => errors), strength: 'possible' }],
      for: cut.map(({ errors, least: at, short }) =>
        short === null && errors.some((error) => error.target_processing_time > at + 1.2)
          ? `${plural(errors.length, 'error')} with a body ended ${durationSpread(errors.map((e) => e.target_processing_time))} after being sent, within ${CHECKED_EVERY} s of each other: Node.js looks that often whether a request has arrived (server.requestTimeout, 300 s by default).`
          : short === null
            ? `${plural(errors.length, 'error')} with ${number(SMALL_BODY)} bytes or more to send ended after ${seconds(at)}, as a timeout for the body would end them.`
            : `${shortSentence(short)} They ended ${durationSpread(errors.map((e) => e.target_processing_time))} after being sent, none before ${seconds(at)}: a timer that starts anew with each piece of the body.`,
      ),
      against: cut.some(({ short }) => short === null)
        ? ['A timeout of the target for its own work would look the same.']
        : [],
      missing: ["The log of the target's web server: 408, or a client that sent its body too slowly."],
      fix: {
        summary:
          'Raise the timeout for the body in the target (nginx client_body_timeout, 60 s by default), or have clients upload in parts or straight to S3.',
        commands: [],
        settings: [
          `client_body_timeout ${Math.ceil(2 * least)}s;   # nginx; elsewhere Go ReadTimeout, Node.js server.requestTimeout, Apache RequestReadTimeout`,
        ],
        sideEffects: ['A slow client then holds its connection to the target longer.'],
      },
    },
    untested(),
  );
}

/** "25 errors on POST /upload had sent 240 bytes (median); the successes of the route send 9,100." */
const shortSentence = ({
  route,
  errors,
  median,
  usual,
}: {
  route: string;
  errors: readonly SampledError[];
  median: number;
  usual: number;
}): string =>
  `${plural(errors.length, 'error')} on ${route} had sent ${number(median)} bytes (median); the successes of the route send ${number(usual)}.`;
