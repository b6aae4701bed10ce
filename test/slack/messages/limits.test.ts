/**
 * Slack accepts the messages about any diagnosis; no stranger's text becomes a mention or link or leaves its code; no
 * secret of a path is shown.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import type { CauseResult, CheckFinding, Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import { logDetails } from '../../../src/diagnose/log-details.ts';
import type { EvidenceSet } from '../../../src/evidence/evidence.ts';
import type { Question } from '../../../src/evidence/question.ts';
import type { Command } from '../../../src/format/command.ts';
import { type RunState, RunStatus } from '../../../src/runs/run.ts';
import { DETAIL_IDS } from '../../../src/slack/messages/actions.ts';
import {
  checklistMessage,
  detailAnswer,
  episodeClosedMessage,
  privateMessage,
  rootMessage,
  runStateOf,
  type ThreadState,
  unknownAlarmMessage,
  verdictChangedMessage,
  verdictMessage,
} from '../../../src/slack/messages/index.ts';
import type { FileMessage, Message } from '../../../src/slack/messages/message.ts';
import { early, gaps, HOSTILE, nothing, race, undecided } from '../../support/diagnoses.ts';
import { fc } from '../../support/property.ts';
import {
  alarm,
  blockKitErrors,
  byAlarm,
  episodeOf,
  investigateRecorded,
  recordedDiagnosis,
  threadStateOf,
} from '../../support/slack/thread-states.ts';

const SECRET =
  'GET /reset?token=hunter2&x=1 of /v/AbCdEfGh12345678IjKlMnOp and eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln';

/** What strangers write, in any order. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '<!channel>',
        '<@U1>',
        '<!subteam^S1>',
        '<https://evil.example|click>',
        '&lt;!here&gt;',
        '`',
        '```',
        '*b*',
        '_',
        '~',
        '\u202egnp.exe',
        '\u200b',
        '\n',
        '\r\n',
        '\u0000',
        ':skull:',
        'https://evil.example/x',
        '\ud83d\ude00',
        '\ud83d',
        ' ',
        SECRET,
        HOSTILE,
        'x'.repeat(700),
      ),
      fc.string({ unit: 'binary', maxLength: 40 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join('').slice(0, 1500));

/** The same diagnosis, with every text that comes from outside replaced, and every list as long as it gets. */
function worsened(diagnosis: Diagnosis, text: string, times: number): Diagnosis {
  const many = <T>(items: readonly T[]): T[] => Array.from({ length: times }, () => items).flat();
  const texts = (items: readonly string[]): string[] => many(items).map((item, index) => `${item} ${text} ${index}`);
  const finding = (one: CheckFinding): CheckFinding => ({
    ...one,
    summary: `${one.summary} ${text}`,
    facts: [...one.facts, ...many(one.facts).slice(0, 30)].map((fact) => ({ ...fact, label: text, value: text })),
    sources: texts(one.sources),
    why: text,
    fix: one.fix === null ? null : `${one.fix} ${text}`,
    reference: text,
  });
  const cause = (one: CauseResult): CauseResult => ({
    ...one,
    title: `${one.title} ${text}`,
    for: texts(one.for),
    against: texts(one.against),
    missing: texts(one.missing),
    fix: { summary: text, commands: texts(one.fix.commands) as Command[], sideEffects: texts(one.fix.sideEffects) },
    reference: text,
  });
  return {
    ...diagnosis,
    loadBalancer: { ...diagnosis.loadBalancer, name: text },
    triage: {
      ...diagnosis.triage,
      summary: text,
      byStatus: Object.fromEntries(
        Object.entries(diagnosis.triage.byStatus).map(([status, n]) => [`${status}${text}`, n]),
      ),
      routes: many(diagnosis.triage.routes).map((route) => ({ ...route, route: text })),
    },
    timeline: many(diagnosis.timeline),
    steps: diagnosis.steps.map((step) => ({
      ...step,
      title: `${step.title} ${text}`,
      findings: many(step.findings).slice(0, 200).map(finding),
    })),
    causes: diagnosis.causes.map(cause),
    verdict:
      diagnosis.verdict.standing === 'none'
        ? { ...diagnosis.verdict, summary: text }
        : { ...diagnosis.verdict, summary: text, decidedBy: text },
    keepAlive: diagnosis.keepAlive && { ...diagnosis.keepAlive, targetGroup: text, runtimes: texts(['Node.js']) },
    traces: diagnosis.traces && {
      ids: texts(diagnosis.traces.ids),
      grep: text,
      logsInsights: text,
      logFormat: texts(diagnosis.traces.logFormat),
      meaning: { absent: text, started: text, finished: text },
    },
    ...gaps(...many(diagnosis.gapDetails).map((gap) => ({ ...gap, sentence: text })), {
      kind: 'denied',
      sentence: text,
      iamStatement: '{"Effect":"Allow","Action":"ec2:DescribeSubnets","Resource":"*"}',
      evidence: 'subnets',
    }),
  };
}

function worstTold(base: Diagnosis, text: string, times: number, state: RunState): ThreadState {
  const diagnosis = worsened(base, text, times);
  const told = threadStateOf(diagnosis, {
    ...byAlarm,
    state,
    failure: text,
    nextAttemptAt: '2026-11-20T03:06:00.000Z',
    askedBy:
      times % 2 === 0 ? { kind: 'person', user: text, team: 'T1' } : { kind: 'alarm', alarmName: text, episode: 'e1' },
    feedback: Array.from({ length: times }, () => ({
      user: text,
      at: '2026-11-20T03:06:00.000Z',
      verdict: 'wrong' as const,
      cause: text,
      words: text,
    })),
  });
  const alarms = Array.from({ length: Math.max(1, times) }, () => alarm({ name: text, reason: text }));
  return { ...told, episode: episodeOf({ alarms, closedAt: times % 3 === 0 ? '2026-11-20T03:15:00.000Z' : null }) };
}

const everyMessage = (told: ThreadState, text = ''): Message[] => [
  rootMessage(told),
  rootMessage({ ...told, diagnosis: null }),
  checklistMessage(told, null),
  checklistMessage(told, {
    started: { accessLog: 0 },
    ended: {},
    accessLogStatus: text,
    interimVerdict: text,
  }),
  verdictMessage(told),
  episodeClosedMessage(told),
  privateMessage(text),
  unknownAlarmMessage({ alarm: text, why: 'unknown', sentences: told.diagnosis?.gaps ?? [] }),
  ...[verdictChangedMessage(told, race)].filter((message) => message !== null),
];

/** All that Slack counts and people read, without what only machines do. */
const saidIn = ({ text, blocks, plainBlocks = [] }: Message): string => JSON.stringify([text, blocks, plainBlocks]);

const LOOSE = /hunter2|AbCdEfGh12345678IjKlMnOp|eyJhbGci/;

function expectFit(messages: readonly Message[]): void {
  expect(messages.flatMap(blockKitErrors)).toEqual([]);
  for (const message of messages) expect(lettersOf(message.blocks), 'msg_blocks_too_long').toBeLessThan(13_000);
  // Commands and trace IDs are shown to be copied, letter by letter.
  expect(messages.map(withoutCopies).join('\n')).not.toMatch(LOOSE);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Letters that are read. */
function lettersOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + lettersOf(one), 0);
  if (!isRecord(value)) return 0;
  const own = typeof value.text === 'string' ? value.text.length : 0;
  return own + Object.values(value).reduce<number>((sum, one) => sum + lettersOf(one), 0);
}

const withoutCopies = ({ blocks, plainBlocks = [] }: Message): string =>
  JSON.stringify([blocks, plainBlocks], (_, value: unknown) =>
    isRecord(value) && value.type === 'rich_text_preformatted' ? null : value,
  );

const bases: Record<string, Diagnosis> = {
  race,
  undecided,
  nothing,
  early,
  gaps: recordedDiagnosis('013-missing-evidence'),
};

describe.each(Object.entries(bases))('anything made of "%s"', (_, base) => {
  it('is accepted by Slack, in every state of a run', () => {
    fc.assert(
      fc.property(
        hostileText,
        fc.integer({ min: 0, max: 60 }),
        fc.constantFrom(...RunStatus.options.map(({ shape }) => shape.state.value)),
        (text, times, state) => {
          const messages = everyMessage(worstTold(base, text, times, state), text);
          expect(messages.flatMap(blockKitErrors)).toEqual([]);
        },
      ),
      { numRuns: 8, endOnFailure: true },
    );
  });

  it('is accepted by Slack with a text of 10 kB or a list of 200', () => {
    const long = `${HOSTILE} ${SECRET} `.repeat(50).slice(0, 10_000);
    expectFit(everyMessage(worstTold(base, long, 1, runStateOf(base)), long));
    const short = `path ${SECRET}`;
    expectFit(everyMessage(worstTold(base, short, 200, runStateOf(base)), short));
  });
});

describe('a name that is a mention', () => {
  const told = threadStateOf({ ...race, loadBalancer: { name: '<!channel>', arn: null } });

  it('appears as text', () => {
    const { text, blocks } = rootMessage(told);
    expect(text.split('\n')[0]).toContain('&lt;!channel&gt;: keep-alive race');
    expect(JSON.stringify(blocks[0])).toContain('"<!channel>: keep-alive race (likely)"');
  });

  it('mentions nobody by a made-up user', () => {
    const { text, blocks } = rootMessage({
      ...told,
      run: { ...told.run, askedBy: { kind: 'person', user: 'U1> <!here', team: 'T' } },
    });
    expect(text).toContain('asked by U1&gt; &lt;!here');
    expect(JSON.stringify(blocks)).not.toContain('<!here');
  });
});

describe('answers to buttons', () => {
  let question: Question;
  let evidence: EvidenceSet;
  let diagnosis: Diagnosis;
  beforeAll(async () => {
    ({ question, evidence, diagnosis } = await investigateRecorded('001-keep-alive-race-beside-worker-timeout'));
  });

  const answers = (told: ThreadState, of: EvidenceSet): Promise<(Message | FileMessage)[]> =>
    Promise.all(DETAIL_IDS.map((id) => detailAnswer(id, told, async () => logDetails(question, of))));
  const messagesOf = (all: readonly (Message | FileMessage)[]): Message[] =>
    all.flatMap((one) => ('filename' in one ? [] : [one]));
  const filesOf = (all: readonly (Message | FileMessage)[]): FileMessage[] =>
    all.flatMap((one) => ('filename' in one ? [one] : []));

  /** The same log, as written by strangers. */
  function written(text: string): EvidenceSet {
    const { accessLog } = evidence;
    if (accessLog.status === 'unavailable') throw new Error('The incident has a log.');
    const { failures, targets, routes } = accessLog.value;
    return {
      ...evidence,
      accessLog: {
        ...accessLog,
        value: {
          ...accessLog.value,
          failures: failures.map((one) => ({
            ...one,
            route: `GET /${text}`,
            trace_id: text,
            error_reason: text,
            target: text,
          })),
          targets: targets.map((one, index) => ({ ...one, target: `${text}${index}`, target_group_arn: text })),
          routes: routes.map((one) => ({ ...one, route: `GET /${text}` })),
        },
      },
    };
  }

  it('are accepted by Slack', async () => {
    await fc.assert(
      fc.asyncProperty(hostileText, fc.integer({ min: 0, max: 2 }), async (text, times) => {
        const all = await answers({ ...threadStateOf(worsened(diagnosis, text, times)) }, written(text));
        expect(messagesOf(all).flatMap(blockKitErrors)).toEqual([]);
        for (const { filename, title, comment } of filesOf(all)) {
          expect(filename).toMatch(/^[A-Za-z0-9-]+-\d+-[a-z0-9-]+[.](txt|md)$/);
          expect(title.length).toBeLessThanOrEqual(260);
          expect(comment).not.toMatch(/<[!@#]/);
        }
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });

  it('show no query, token or client address', async () => {
    const all = await answers(
      threadStateOf({
        ...diagnosis,
        triage: { ...diagnosis.triage, summary: SECRET },
        verdict: { ...diagnosis.verdict, summary: SECRET },
      }),
      written(SECRET),
    );
    expect(messagesOf(all).map(saidIn).join('\n')).not.toMatch(LOOSE);
    for (const { content } of filesOf(all)) expect(content).not.toMatch(LOOSE);
  });

  it('say if no evidence was kept to answer from', async () => {
    const told = { ...threadStateOf(diagnosis), diagnosis: null };
    expect(new Set(messagesOf(await answers(told, evidence)).map(({ text }) => text))).toEqual(
      new Set(['There is no answer yet.']),
    );
  });

  it('say that the log is no longer stored, where they need it', async () => {
    const told = threadStateOf(diagnosis);
    const without = await Promise.all(
      DETAIL_IDS.map(async (id) => [id, JSON.stringify(await detailAnswer(id, told, async () => null))] as const),
    );
    const refused = without.filter(([, text]) => text.includes('The evidence of this run is no longer stored'));
    expect(refused.map(([id]) => id).sort()).toEqual(['by-route', 'by-target', 'log-lines']);
  });

  it('say why the log could not be read', async () => {
    const blind: EvidenceSet = {
      ...evidence,
      accessLog: { status: 'unavailable', source: 's3', reason: 's3:GetObject was denied <!here>' },
    };
    const told = threadStateOf(diagnosis);
    for (const id of ['log-lines', 'by-target', 'by-route'] as const) {
      const answer = await detailAnswer(id, told, async () => logDetails(question, blind));
      expect('text' in answer && answer.text).toContain('s3:GetObject was denied &lt;!here&gt;');
    }
  });
});
