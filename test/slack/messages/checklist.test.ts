import { describe, expect, it } from 'vitest';
import { type CollectionProgress, emptyProgress } from '../../../src/investigate/collection-progress.ts';
import { checklistMessage } from '../../../src/slack/messages/index.ts';
import { HOSTILE, hostile, race } from '../../support/diagnoses.ts';
import { readMessage } from '../../support/slack/read-message.ts';
import { blockKitErrors, runOf, threadStateOf } from '../../support/slack/thread-states.ts';

const asked = { run: runOf(race, { state: 'running' }), diagnosis: null, episode: null };

const begun: CollectionProgress = {
  started: { accessLog: 0, metrics: 100, loadBalancer: 0, listeners: 0, rules: 0, targetGroups: 0, attributes: 0 },
  ended: {
    metrics: { at: 400, unavailable: false },
    loadBalancer: { at: 200, unavailable: false },
    listeners: { at: 1200, unavailable: true },
    rules: { at: 300, unavailable: false },
    targetGroups: { at: 300, unavailable: false },
    attributes: { at: 250, unavailable: false },
  },
  accessLogStatus: 'fetched 3 of 8 log files',
  interimVerdict: 'CloudWatch counts 149 × 502.',
};

describe('while it works', () => {
  it('lists all six steps before the first has started', () => {
    expect(readMessage(checklistMessage(asked, emptyProgress()))).toBe(
      [
        'shop-prod (eu-west-1, account prod): 0 of 6 steps',
        '  · Access log: who failed, and how',
        '  · Target group protocol and port',
        '  · Keep-alive and idle timeout',
        '  · HTTP response format',
        '  · Security groups and network ACLs',
        '  · Targets, deployments, capacity',
      ].join('\n'),
    );
  });

  it('shows whether a step waits, runs, is done or is partly done', () => {
    expect(readMessage(checklistMessage(asked, begun))).toBe(
      [
        'shop-prod (eu-west-1, account prod): 1 of 6 steps',
        '  … Access log: who failed, and how, fetched 3 of 8 log files',
        '  … Target group protocol and port',
        '  ✓ Keep-alive and idle timeout, 0.3 s',
        '  … HTTP response format',
        '  · Security groups and network ACLs',
        '  · Targets, deployments, capacity',
        '  (So far: CloudWatch counts 149 × 502.)',
      ].join('\n'),
    );
  });

  it('says the same in text when Slack accepts no plan', () => {
    const { blocks, plainBlocks = [], text } = checklistMessage(asked, begun);
    expect(readMessage({ text, blocks: plainBlocks })).toContain('✓ Keep-alive and idle timeout, 0.3 s');
    expect([...blocks, ...plainBlocks].map(({ type }) => type)).not.toContain('actions');
    expect(text).toContain('… Access log');
  });

  it("shows strangers' text as text", () => {
    const message = checklistMessage(asked, {
      ...begun,
      accessLogStatus: HOSTILE.repeat(40),
      interimVerdict: HOSTILE.repeat(40),
    });
    expect(blockKitErrors(message)).toEqual([]);
    expect(message.text).not.toContain('<!channel>');
  });
});

describe('when it has ended', () => {
  const taskStatuses = (diagnosis: typeof race) => {
    const [plan] = checklistMessage(threadStateOf(diagnosis), null).blocks;
    return (JSON.parse(JSON.stringify(plan)).tasks as { status: string; title: string }[]).map(
      ({ status, title }) => `${status} ${title.slice(0, 3)}`,
    );
  };

  it('shows how many files were read and the cost, if known', () => {
    const took = { milliseconds: 4_120, files: 9 };
    expect(readMessage(checklistMessage(threadStateOf(race, { took }), null))).toMatch(/\(9 access-log files; .* read/);
    expect(readMessage(checklistMessage(threadStateOf(race, { took: { ...took, files: null } }), null))).toMatch(
      /\([\d.]+ \w?B read/,
    );
  });

  it('shows a step that could not be checked as an error, not as waiting', () => {
    const [first, ...others] = race.steps;
    if (first === undefined) throw new Error('no step');
    const unseen = first.findings.map((one) => ({
      ...one,
      outcome: 'unknown' as const,
      summary: 'Could not check: s3:GetObject was denied.',
      missing: ['accessLog' as const],
    }));
    const blind = { ...race, steps: [{ ...first, outcome: 'unknown' as const, findings: unseen }, ...others] };
    expect(taskStatuses(blind)[0]).toBe('error ? A');
    const undecided = unseen.map((one) => ({ ...one, summary: 'No request has failed yet.', missing: [] }));
    const unanswered = { ...race, steps: [{ ...blind.steps[0], findings: undecided }, ...others] } as typeof race;
    expect(taskStatuses(unanswered)[0]).toBe('error ? A');
    expect([...taskStatuses(blind), ...taskStatuses(unanswered)].join()).not.toContain('pending');
  });

  it("folds a step's sentences below its title, without a button", () => {
    const { blocks } = checklistMessage(threadStateOf(race), null);
    expect(blocks.map(({ type }) => type)).toEqual(['plan', 'context']);
    expect(JSON.stringify(blocks[0])).toContain('"output":{"type":"rich_text"');
  });

  it('marks four states by the first letter of a title', () => {
    const [first] = race.steps;
    if (first === undefined) throw new Error('no step');
    const outcomes = ['pass', 'fail', 'unknown', 'not-applicable'] as const;
    const steps = outcomes.map((outcome, index) => ({
      ...first,
      step: ([1, 2, 3, 4] as const)[index] ?? 1,
      outcome,
      findings: first.findings.map((one) => ({ ...one, outcome })),
    }));
    expect(taskStatuses({ ...race, steps }).slice(0, 4)).toEqual([
      'complete ✓ A',
      'error ✗ P',
      'error ? K',
      'complete – R',
    ]);
  });

  it('says that it ended if there is no answer', () => {
    const message = checklistMessage({ ...asked, run: runOf(race, { state: 'interrupted' }) }, null);
    expect(readMessage(message).split('\n')[0]).toBe('shop-prod (eu-west-1, account prod): ended without an answer');
    expect(blockKitErrors(message)).toEqual([]);
  });

  it('has one line per step, whatever it contains', () => {
    const { blocks } = checklistMessage(threadStateOf(hostile), null);
    const tasks = JSON.parse(JSON.stringify(blocks[0])).tasks as { title: string }[];
    expect(tasks.map(({ title }) => title.length <= 165 && !title.includes('\n'))).toEqual(Array(6).fill(true));
  });
});
