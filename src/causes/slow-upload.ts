import { idleTimeouts, SMALL_BODY } from '../patterns/idle-timeouts.ts';
import { divided } from '../patterns/tally.ts';
import { type Failure, weigh } from '../traffic.ts';
import { number, outOf, plural, spread, wholeSeconds } from '../wording.ts';
import { type Claim, defineCause } from './cause.ts';
import {
  attributesMissing,
  noIdleTimeout,
  RAISED_IDLE_TIMEOUT,
  raiseIdleTimeout,
  routeSentences,
} from './slow-words.ts';

export const slowUpload = defineCause({
  id: 'slow-upload',
  title: 'Upload of the request body too slow',
  explanation:
    'The body of the request arrived too slowly, or the target read it too slowly, so that no response came before the idle timeout.',
  reference:
    'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-syntax',
  wants: ['attributes'],

  judge({ traffic, attributes }) {
    const parts = idleTimeouts(traffic, attributes);
    if (parts.all.length === 0) return noIdleTimeout(traffic, attributes);
    const own = [...parts.upload, ...parts.either];
    if (own.length === 0) {
      return {
        claims: [],
        for: [],
        against: against(parts.all, parts.sameRoute),
        missing: [],
        ruledOut: weigh(parts.all) === traffic.total,
      };
    }
    const claims: Claim[] = [
      { errors: parts.upload, strength: 'likely' },
      { errors: parts.either, strength: 'possible' },
    ];
    const limit = parts.effective ?? parts.configured;
    const late = own.filter(({ elapsed }) => elapsed !== null && limit !== null && elapsed > limit + 1);
    return {
      claims: claims.filter(({ errors }) => errors.length > 0),
      for: [
        `${outOf(weigh(own), traffic.total)} errors had sent ${number(Math.min(...own.map((e) => e.received_bytes)))} to ${number(Math.max(...own.map((e) => e.received_bytes)))} bytes.`,
        ...(late.length > 0 && limit !== null
          ? [
              `${plural(weigh(late), 'error')} ended after ${spread(late.flatMap(({ elapsed }) => elapsed ?? []))}, well above the timer of ${wholeSeconds(limit)}: bytes still moved after the request was sent on.`,
            ]
          : []),
        ...(parts.upload.length > 0 ? ['No request without a body timed out.'] : []),
        ...routeSentences(traffic, own),
      ],
      against: parts.either.length > 0 ? ['A target that is slow to answer would look the same.'] : [],
      missing: [
        ...attributesMissing(attributes),
        ...(parts.either.length > 0
          ? ['When the application had read the whole body (its log, by trace id) would settle it.']
          : []),
      ],
      ruledOut: false,
      ...(parts.upload.length > 0 && {
        summary: `Slow uploads on ${divided(parts.upload, (error) => error.route, 3)} ran into the idle timeout: ${plural(weigh(parts.upload), 'request')} failed.`,
      }),
    };
  },

  fix({ traffic, attributes }, question) {
    const { effective, configured } = idleTimeouts(traffic, attributes);
    return {
      summary:
        'Let clients upload large bodies straight to S3 with a presigned URL, or in parts; have the application read the body as it arrives.',
      commands: [
        `${raiseIdleTimeout(question.loadBalancer.arn, Math.min(4000, (effective ?? configured ?? 60) * 2))}   # until then`,
      ],
      sideEffects: [RAISED_IDLE_TIMEOUT],
    };
  },
});

function against(all: Failure[], sameRoute: Failure[]): string[] {
  const bodies = new Set(sameRoute);
  const small = all.filter((error) => !bodies.has(error));
  const most = Math.max(0, ...small.map((error) => error.received_bytes));
  const sentences = [
    `${plural(weigh(small), 'error')} had a method without a body or under ${number(SMALL_BODY)} bytes to send (${number(most)} at most): nothing to be slow with.`,
  ];
  if (sameRoute.length > 0) {
    sentences.push(
      `${plural(weigh(sameRoute), 'error')} with a body ended at the timer, on routes where small requests timed out as well.`,
    );
  }
  return sentences;
}
