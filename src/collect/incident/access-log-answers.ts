/** access-log.json: the answers of an access log whose lines were never downloaded. */
import * as z from 'zod';
import type { AccessLog } from '../../evidence/access-log.ts';
import { Instant } from '../../evidence/aws.ts';
import { Hop } from '../../evidence/edge.ts';
import { parseStatus } from '../../evidence/statuses.ts';
import { LogLimitationSchema } from '../access-log/log-limitation.ts';

const count = z.number();
const text = z.string();

export const CostSchema = z.object({ bytesScanned: count, usd: count, queries: count });

export const DeliveredLogSchema = z.object({
  service: z.enum(['s3', 'cloudwatch-logs', 'firehose', 'other']),
  name: text.nullable().default(null),
  format: text.nullable().default(null),
  stream: text.optional(),
});

export const LogReadMethodSchema = z.object({
  how: text,
  estimate: z.object({
    files: count,
    bytes: count,
    usd: count,
    atMost: z.object({ bytes: count, usd: count }).nullable(),
  }),
  from: DeliveredLogSchema.optional(),
  others: z.array(DeliveredLogSchema).optional(),
});

const LongerWindowOfferSchema = z.object({ command: text, estimate: text.nullable() });

const ScaleCountSchema = z.object({ step: count, requests: count });

const IdleGapsSchema = z.object({
  target_group_arn: text,
  horizon: count,
  failures: z.array(z.object({ row: count, gaps: z.array(count) })),
  peers: z.array(
    z.object({
      row: count,
      answered: count,
      controls: z.array(z.object({ client: count.nullable(), gaps: z.array(count) })),
    }),
  ),
});

const AccessLogAnswers: z.ZodType<AccessLog> = z.object({
  files: z.object({
    read: count,
    outsideWindow: count,
    connectionLogs: count,
    healthCheckLogs: count,
    bytes: count,
    unreadable: z.array(z.object({ file: text, reason: text, lines: count })),
  }),
  lines: count,
  entries: count,
  rejected: z.object({
    lines: count,
    files: count,
    first: z.object({ file: text, line: count, text }).nullable(),
  }),
  otherLoadBalancers: count,
  oldest: count.nullable(),
  newest: count.nullable(),
  requests: count,
  minutes: z.array(z.object({ minute: count, requests: count })),
  targets: z.array(
    z.object({
      target_group_arn: text,
      target: text,
      node: text.nullable(),
      requests: count,
      failures: count,
      badRequests: count,
      firstSeen: count,
      lastSeen: count,
      firstSuccess: count.nullable(),
      lastSuccess: count.nullable(),
    }),
  ),
  statuses: z.array(
    z.object({ target_group_arn: text, elb_status_code: text, target_status_code: text, requests: count }),
  ),
  failures: z.array(
    z.object({
      at: count,
      elapsed: count.nullable(),
      client: count,
      route: text,
      node: text.nullable(),
      type: text,
      target: text,
      request_processing_time: count,
      target_processing_time: count,
      response_processing_time: count,
      elb_status_code: text,
      target_status_code: text,
      received_bytes: count,
      sent_bytes: count,
      target_group_arn: text,
      trace_id: text,
      matched_rule_priority: text,
      actions_executed: text,
      error_reason: text,
      classification_reason: text,
      retriedOk: z.boolean(),
    }),
  ),
  failuresTotal: count,
  healthChecks: z
    .array(
      z.object({
        targetGroup: text,
        target: text,
        from: count,
        to: count.nullable(),
        lastPassed: count.nullable().optional(),
        last: count,
        failures: count,
        nodes: z.array(text),
        reasons: z.array(z.object({ reason: text, statusCode: text, count })),
      }),
    )
    .optional(),
  failureShapes: z.array(
    z.object({
      minute: count,
      elb_status_code: text,
      target_status_code: text,
      request_processing_time: z.union([z.literal(-1), z.literal(0)]),
      target_processing_time: z.union([z.literal(-1), z.literal(0)]),
      response_processing_time: z.union([z.literal(-1), z.literal(0)]),
      elapsed: z.enum(['under-9.5s', '9.5-11s', 'from-11s']).nullable(),
      error_reason: text,
      fixedResponse: z.boolean(),
      hasTarget: z.boolean(),
      hasTargetGroup: z.boolean(),
      count,
      retriedOk: count,
      first: count.optional(),
      last: count.optional(),
    }),
  ),
  failedClients: count,
  hops: z.array(Hop).optional(),
  retriedOk: count,
  routes: z.array(
    z.object({
      route: text,
      requests: count,
      failures: count,
      succeeded: count,
      succeededMs: count,
      succeededMaxMs: count,
      times: z.array(ScaleCountSchema).optional(),
      sizes: z.array(ScaleCountSchema).optional(),
    }),
  ),
  slowest: z
    .object({
      answeredMs: count,
      routes: z.array(z.object({ route: text, answeredMs: count, times: z.array(ScaleCountSchema) })),
    })
    .optional(),
  badRequestRoutes: z.array(z.object({ target_group_arn: text, route: text, requests: count })).optional(),
  // Older recordings contain counts by bin instead of single gaps; those can no longer be read.
  idleGaps: z
    .array(z.union([IdleGapsSchema, z.object({ bins: z.array(z.unknown()) })]))
    .transform((groups) => groups.flatMap((group) => ('bins' in group ? [] : [group]))),
  outages: z
    .array(
      z.object({
        target_group_arn: text,
        target: text,
        lastAnswer: count.nullable(),
        nextAnswer: count.nullable(),
        first: count,
        last: count,
        failures: count,
      }),
    )
    .optional(),
  cost: CostSchema.optional(),
  reading: LogReadMethodSchema.optional(),
  unanswered: z.array(LogLimitationSchema).optional(),
  earlier: z.object({ from: count, log: z.lazy(() => AccessLogAnswers) }).optional(),
  longerLook: LongerWindowOfferSchema.optional(),
});

export const Statuses = z.array(
  text.refine((word) => parseStatus(word) === word, { error: 'expected a status such as 502 or 5xx' }),
);

export const AccessLogFile = z.looseObject({
  /** The SQL that was run. */
  source: text,
  /** The question: the answers are valid for this window and these statuses only. */
  from: Instant,
  to: Instant,
  statuses: Statuses,
  accessLog: AccessLogAnswers,
});
export type AccessLogFile = z.infer<typeof AccessLogFile>;
