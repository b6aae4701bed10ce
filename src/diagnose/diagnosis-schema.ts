/**
 * The public contract of the diagnosis: the output of `--json` and its JSON Schema. Fields may be added, so objects are
 * open; the fields listed here keep their name and meaning.
 */
import * as z from 'zod';
import { EVENT_KINDS, EVENT_STANDINGS } from './events/event.ts';
import { SIGNATURE_IDS } from './signature.ts';

const open = z.looseObject;
const Time = z.string().describe('ISO 8601, UTC.');
const Share = z.number().min(0).max(1);
const Count = z.int().nonnegative();
const Sentence = z.string();
const CauseId = z.string().describe('ID of a cause, such as keep-alive-race: docs/causes.md lists them.');
const CheckOutcome = z.enum(['pass', 'fail', 'unknown', 'not-applicable']);

const Triage = open({
  requests: Count.nullable().describe('Requests of this load balancer in the window. Null if the log was not read.'),
  errors: Count.nullable().describe('Errors asked for.'),
  byStatus: z.record(z.string(), Count).describe('Errors by status.'),
  errorRate: Share.nullable(),
  firstError: Time.nullable(),
  lastError: Time.nullable(),
  ongoing: z.boolean().nullable().describe('Whether an error is at most 5 minutes old. Null if that is unknown.'),
  failingAtEnd: z
    .boolean()
    .nullable()
    .optional()
    .describe('Whether errors still came at the end of what was read. Null with fewer than 3.'),
  clients: Count.nullable().describe('Client addresses with an error.'),
  routes: z.array(open({ route: z.string(), errors: Count, requests: Count })).max(10),
  retriedOk: Count.nullable().describe('Errors whose client succeeded on the same route within 30 s.'),
  summary: Sentence,
});

const Finding = open({
  check: z.string(),
  outcome: CheckOutcome,
  summary: Sentence,
  brief: z.string().optional().describe('The summary in a few words.'),
  facts: z.array(open({ label: z.string(), value: z.union([z.number(), z.string()]), unit: z.string().optional() })),
  sources: z.array(z.string()).describe('Calls or SQL that a person can repeat.'),
  why: Sentence,
  fix: Sentence.nullable(),
  settings: z.array(z.string()).optional(),
  reference: z.string().describe('The page of AWS that says so.'),
});

const Stopgap = open({
  summary: z.string(),
  commands: z.array(z.string()),
  undo: Sentence.describe('How to take it back.'),
  sideEffects: z.array(Sentence),
  idleTimeoutSeconds: z.number().positive().optional().describe('The idle timeout while it is in place.'),
}).describe('What ends the errors at once, until the fix is deployed.');

const Fix = open({
  summary: z.string(),
  commands: z.array(z.string()).describe('For a shell. alb502 never runs them.'),
  settings: z.array(z.string()).optional(),
  notes: z.array(Sentence).optional(),
  sideEffects: z.array(Sentence),
  stopgap: Stopgap.optional(),
  allowsSeconds: z.number().positive().optional().describe('How long requests may take after the fix.'),
});

const CauseResultSchema = open({
  id: CauseId,
  title: z.string(),
  standing: z.enum(['confirmed', 'likely', 'possible', 'ruled-out', 'untested']),
  summary: Sentence.nullable(),
  explains: Share.describe('Share of the errors; of confirmed and likely causes together at most 1.'),
  for: z.array(Sentence),
  forInSummary: Count.optional().describe('How many of the first sentences of "for" the summary contains.'),
  explainedBy: z
    .array(CauseId)
    .optional()
    .describe('The causes that explain all errors this one would fit, if that rules it out.'),
  against: z.array(Sentence),
  missing: z.array(Sentence),
  fix: Fix,
});

const VerdictSchema = open({
  cause: CauseId.nullable().describe('Null exactly if the standing is undecided or none.'),
  standing: z.enum(['confirmed', 'likely', 'undecided', 'none']),
  between: z.array(CauseId),
  explains: Share.describe('Share of the leading part; 0 for none.'),
  summary: z.string(),
  decidedBy: z.string().nullable().describe('What would settle it.'),
});

const PartSchema = open({
  causes: z.array(CauseId),
  standing: z.enum(['confirmed', 'likely', 'undecided', 'unread']),
  errors: Count,
  share: Share,
  event: Count.nullable().describe('Position in events.'),
  onset: Count.optional().describe('Position in events of the call right after which most of these errors began.'),
  before: Count.optional().describe('Such errors in the hour before the window, if they ran at the same rate.'),
});

const Event = open({
  kind: z.enum(EVENT_KINDS),
  standing: z.enum(EVENT_STANDINGS),
  from: Time,
  to: Time.nullable(),
  targets: z.array(z.string()),
  errors: Count,
  causes: z.array(CauseId),
  summary: Sentence,
});

const KeepAlive = open({
  targetGroup: z.string(),
  measuredSeconds: z.number().nullable(),
  idleTimeoutSeconds: z.number().nullable(),
  errorsAtEdge: Count,
  errorsExamined: Count,
});

export const DiagnosisSchema = open({
  schema: z.literal(1),
  loadBalancer: open({ name: z.string(), arn: z.string().nullable() }),
  window: open({ from: Time, to: Time }).describe('From inclusive, to exclusive.'),
  asked: open({ statuses: z.array(z.string()).min(1), now: Time }),
  provisional: z.boolean().describe('Whether log files may still arrive.'),
  triage: Triage,
  completeness: open({
    errorsInLog: Count.nullable(),
    errorsInMetrics: Count.nullable(),
    newestEntry: Time.nullable(),
    unreadableLines: Count.nullable(),
  }),
  signatures: z.array(
    open({ id: z.enum(SIGNATURE_IDS), count: Count, share: Share, ambiguousBetween: z.array(CauseId) }),
  ),
  timeline: z.array(open({ from: Time, to: Time, requests: Count, bySignature: z.record(z.string(), Count) })),
  steps: z
    .array(open({ step: z.int().min(1).max(6), title: z.string(), outcome: CheckOutcome, findings: z.array(Finding) }))
    .length(6),
  causes: z.array(CauseResultSchema),
  verdict: VerdictSchema,
  parts: z.array(PartSchema).describe('Every error is in one part; the shares add up to 1.'),
  events: z.array(Event),
  impact: z.enum(['none', 'low', 'high']),
  keepAlive: KeepAlive.nullable(),
  slowestRoutes: z
    .array(
      open({
        route: z.string(),
        requests: Count.describe('Those that a target answered.'),
        p95Seconds: z.number().nonnegative().describe('95th percentile of target_processing_time.'),
        shareOfTime: Share.describe('Of the time that all answers of the window took.'),
      }),
    )
    .max(3)
    .optional()
    .describe('Routes that took 1 % of the time or more, the slowest first, for alarms on latency.'),
  gaps: z.array(Sentence),
  gapDetails: z.array(
    open({ kind: z.string(), sentence: Sentence, iamStatement: z.string().nullable(), evidence: z.string() }),
  ),
  cost: open({ bytesScanned: z.number().nonnegative(), usd: z.number().nonnegative(), queries: Count }),
}).describe('A diagnosis, as alb502 diagnose --json prints it.');
