/** An event leads what is read even if its cause is undecided: in Slack, in the terminal and in the post-mortem. */
import { describe, expect, it } from 'vitest';
import type { Diagnosis, EventResult, Part } from '../../src/diagnose/diagnosis.ts';
import { renderMarkdown } from '../../src/render/markdown.ts';
import { renderTerminal } from '../../src/render/terminal.ts';
import { rootMessage, verdictMessage } from '../../src/slack/messages/index.ts';
import { undecided } from '../support/diagnoses.ts';
import { readMessage } from '../support/slack/read-message.ts';
import { threadStateOf } from '../support/slack/thread-states.ts';

const BACK = 'aws ecs update-service --cluster main --service checkout-api --task-definition checkout-api:41';
const BEGAN = 'The first of 12 errors came 10 s after UpdateService for checkout-api by deploy at 06:19:31 UTC.';
const BURST = '12 of 14 requests came within 4.1 s from 06:19:41 UTC, on 4 targets of demo.';

const event = (told: Pick<EventResult, 'kind' | 'summary'> & Partial<EventResult>): EventResult => ({
  standing: 'possible',
  from: '2025-12-12T06:19:41.000Z',
  to: null,
  targets: [],
  errors: 12,
  causes: [],
  calls: [],
  ...told,
});

const changed = event({
  kind: 'change',
  summary: BEGAN,
  calls: [
    {
      ...{ name: 'UpdateService', at: '2025-12-12T06:19:31.000Z', user: 'deploy' },
      ...{ secondsBefore: 10, revert: BACK },
    },
  ],
});

const led = (events: EventResult[], place: Pick<Part, 'event' | 'onset'>): Diagnosis => ({
  ...undecided,
  events,
  parts: undecided.parts.map((part) => ({ ...part, ...place })),
  verdict: { ...undecided.verdict, summary: `${events[0]?.summary} ${undecided.verdict.summary}` },
});

const surfaces = (diagnosis: Diagnosis): Record<string, string> => ({
  'the message in the channel': readMessage(rootMessage(threadStateOf(diagnosis))),
  'the reply': readMessage(verdictMessage(threadStateOf(diagnosis), null)),
  'the post-mortem': renderMarkdown(diagnosis),
  'the terminal': renderTerminal(diagnosis, { colour: false, columns: 200 }),
});

describe.each<[string, Diagnosis, string, string]>([
  ['a call right after which errors began', led([changed], { event: null, onset: 0 }), BEGAN, 'Change'],
  ['a burst', led([event({ kind: 'burst', summary: BURST })], { event: 0 }), BURST, 'What happened'],
])('%s', (_, diagnosis, sentence, label) => {
  it.each(Object.entries(surfaces(diagnosis)))('is told in %s', (_surface, text) => {
    expect(text).toContain(sentence);
  });

  it('is labelled in Slack', () => {
    expect(surfaces(diagnosis)['the message in the channel']).toContain(`*${label}*  ${sentence}`);
  });
});

it.each(Object.entries(surfaces(led([changed], { event: null, onset: 0 }))).slice(1))(
  'the command that takes the call back is in %s',
  (_, text) => {
    expect(text).toContain(BACK);
  },
);
