/** The details that buttons add to the thread. */

import { beforeAll, describe, expect, it } from 'vitest';
import { diagnose } from '../../../../src/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../../src/diagnose/diagnosis.ts';
import { logDetails } from '../../../../src/diagnose/log-details.ts';
import type { EvidenceSet } from '../../../../src/evidence/evidence.ts';
import type { Question } from '../../../../src/evidence/question.ts';
import { DETAIL_IDS, type DetailId } from '../../../../src/slack/messages/actions.ts';
import { detailAnswer } from '../../../../src/slack/messages/index.ts';
import { gaps, race } from '../../../support/diagnoses.ts';
import { readMessage } from '../../../support/slack/read-message.ts';
import {
  asFile,
  asMessage,
  blockKitErrors,
  investigateRecorded,
  threadStateOf,
} from '../../../support/slack/thread-states.ts';

interface Case {
  question: Question;
  diagnosis: Diagnosis;
  evidence: EvidenceSet;
}

let keepAlive: Case;
let blocked: Case;
let oneRow: Case;
let canary: Case;
let spot: Case;
let memory: Case;
beforeAll(async () => {
  [keepAlive, blocked, oneRow, canary, spot, memory] = await Promise.all([
    investigateRecorded('001-keep-alive-race-beside-worker-timeout'),
    investigateRecorded('002-security-group-blocks-traffic-port'),
    investigateRecorded('004-one-row-undecided'),
    investigateRecorded('035-canary-revision-closes'),
    investigateRecorded('034-spot-instance-reclaimed'),
    investigateRecorded('030-tasks-out-of-memory'),
  ]);
});

const ask = (extra: DetailId, { question, diagnosis, evidence }: Case) =>
  detailAnswer(extra, threadStateOf(diagnosis), async () => logDetails(question, evidence));
const read = async (extra: DetailId, given: Case): Promise<string> => {
  const message = asMessage(await ask(extra, given));
  expect(blockKitErrors(message)).toEqual([]);
  return readMessage(message);
};

it('answers every button of every thread', async () => {
  for (const given of [keepAlive, blocked, oneRow, canary, spot]) {
    for (const extra of DETAIL_IDS) {
      const answer = await ask(extra, given);
      if ('text' in answer) expect(blockKitErrors(answer), extra).toEqual([]);
      else expect(answer.content.length, extra).toBeGreaterThan(100);
    }
  }
});

describe('a step', () => {
  it('shows everything that was checked, with numbers, and what to do about a fault', async () => {
    const text = await read('step-3', keepAlive);
    expect(text).toContain('✗ *3 Keep-alive and idle timeout*: fault');
    expect(text).toContain("✓ The load balancer's idle timeout is 60 s");
    expect(text).toMatch(/targets close after: 6 s · idle timeout: 60 s · .*expected by chance: \d+/);
    // The fix of the keep-alive race says what to do.
    expect(text).not.toContain('→');
    expect(text).toContain('AWS documentation (https://docs.aws.amazon.com/');
  });

  it('shows every fault, also of one text', async () => {
    const steps = race.steps.map((step) => {
      const [first] = step.findings;
      if (step.step !== 4 || first === undefined) return step;
      const fault = { ...first, outcome: 'fail' as const, summary: 'A response was malformed.' };
      const faults = ['Repair api.', 'Repair web.'].map((fix) => ({ ...fault, fix }));
      return { ...step, outcome: 'fail' as const, findings: faults };
    });
    const text = await read('step-4', { ...keepAlive, diagnosis: { ...race, steps } });
    expect(text).toContain('→ Repair api.');
    expect(text).toContain('→ Repair web.');
  });

  it('shows the statement that would allow a check', async () => {
    const statement = '{"Effect":"Allow","Action":"ec2:DescribeNetworkAcls","Resource":"*"}';
    const sentence = 'Could not check network ACLs: ec2:DescribeNetworkAcls was denied.';
    const steps = race.steps.map((step) =>
      step.step === 5
        ? {
            ...step,
            outcome: 'unknown' as const,
            findings: step.findings.map((one) => ({
              ...one,
              outcome: 'unknown' as const,
              summary: 'Could not check: ec2:DescribeNetworkAcls was denied.',
              missing: ['networkAcls' as const],
            })),
          }
        : step,
    );
    const diagnosis = {
      ...race,
      steps,
      ...gaps({ kind: 'denied', sentence, iamStatement: statement, evidence: 'networkAcls' }),
    };
    const text = await read('step-5', { ...keepAlive, diagnosis });
    expect(text.split('\n').filter((line) => line.includes(statement))).toEqual([`    ${statement}`]);
    expect(text).toContain('? Could not check: ec2:DescribeNetworkAcls was denied.');
  });
});

describe('a question limited to', () => {
  /** The question, the headline's count of errors, and the answers to the buttons of the log. */
  async function limited(scope: Partial<Question>) {
    const question = { ...keepAlive.question, ...scope };
    const given = { ...keepAlive, question, diagnosis: diagnose(question, keepAlive.evidence) };
    const log = logDetails(question, given.evidence);
    if (log.status === 'unavailable') throw new Error(log.reason);
    return {
      errors: given.diagnosis.triage.errors,
      log: log.value,
      lines: asFile(await ask('log-lines', given)).comment,
    };
  }
  const sum = (rows: readonly { errors: number }[]) => rows.reduce((total, { errors }) => total + errors, 0);

  it.each<[string, Partial<Question>, number]>([
    ['a zone', { zone: 'eu-west-1b' }, 37],
    ['a target group', { targetGroup: 'targetgroup/api/c3d1f09a5b7e2468' }, 123],
    ['both', { zone: 'eu-west-1a', targetGroup: 'targetgroup/api/c3d1f09a5b7e2468' }, 86],
  ])('%s shows the errors that its headline counts', async (_, scope, expected) => {
    const { errors, log, lines } = await limited(scope);
    expect(errors).toBe(expected);
    expect(lines).toContain(`${expected} failed requests as logged.`);
    expect([sum(log.byTarget), sum(log.byRoute)]).toEqual([expected, expected]);
  });

  it('a target group shows no targets of others', async () => {
    const { log } = await limited({ targetGroup: 'targetgroup/api/c3d1f09a5b7e2468' });
    expect(new Set(log.byTarget.map(({ targetGroup }) => targetGroup))).toEqual(new Set(['api']));
  });
});

describe('log lines', () => {
  it('appear in the thread as logged when they are few', async () => {
    const text = await read('log-lines', oneRow);
    expect(text).toContain('*1 failed request as logged*');
    expect(text).toMatch(/06:19:41\.\d{3} {2}502 {2}- .* -1 .*GET \/ .*Root=1-693bb3f2-71b560c458bf732c4d88fcf8/);
  });

  it('are a file when they are many, with clients as numbers', async () => {
    const { filename, content, comment } = asFile(await ask('log-lines', keepAlive));
    expect(filename).toBe('shop-prod-202611180240-log-lines.txt');
    expect(comment).toContain('123 failed requests as logged.');
    expect(content.trimEnd().split('\n')).toHaveLength(124);
    expect(content.split('\n')[0]).toMatch(/^time \(UTC\) .* client {2}trace ID$/);
  });
});

describe('tables', () => {
  it('start with the most failing target', async () => {
    expect(await read('by-target', blocked)).toMatchInlineSnapshot(`
      "*Errors by target*
        | Target group | Target          | Errors | Requests | Share |
        | checkout     | 10.0.11.64:8080 | 63     | 63       | 100 % |
        | checkout     | 10.0.10.62:8080 | 62     | 62       | 100 % |
        | checkout     | 10.0.10.31:8080 | 0      | 63       | 0 %   |
        | checkout     | 10.0.11.33:8080 | 0      | 62       | 0 %   |"
    `);
  });

  it('start with the most failing route', async () => {
    expect(await read('by-route', blocked)).toMatchInlineSnapshot(`
      "*Errors by route*
        | Route            | Errors | Requests | Share | Slowest success |
        | GET /cart        | 52     | 108      | 48 %  | 61 ms           |
        | POST /cart/items | 33     | 60       | 55 %  | 98 ms           |
        | POST /checkout   | 24     | 41       | 59 %  | 292 ms          |
        | GET /orders/:id  | 16     | 41       | 39 %  | 55 ms           |"
    `);
  });

  it('offer the services and revisions that AWS knows', async () => {
    const buttons = async (of: typeof canary) => (await read('by-target', of)).split('\n').at(-1);
    // All targets belong to one service.
    expect(await buttons(canary)).toBe('  [By revision]');
    // Tasks of the one service stopped.
    expect(await buttons(memory)).toContain('[By service]');
    // Nothing is known of revisions.
    expect(await buttons(spot)).toBe('  [By service]');
    expect(await read('by-target', blocked)).not.toContain('[By ');
    const { text, plainBlocks } = asMessage(await ask('by-target', canary));
    expect(readMessage({ text, blocks: plainBlocks })).toContain('[By revision]');
  });

  it('show how many tasks of a service stopped', async () => {
    expect(await read('by-service', memory)).toMatchInlineSnapshot(`
      "*Errors by service*
        | Service  | Targets      | Errors | Requests | Share |
        | feed-api | 6, 3 stopped | 18     | 1,151    | 1.6 % |"
    `);
  });

  it('start with the most failing revision', async () => {
    expect(await read('by-revision', canary)).toMatchInlineSnapshot(`
      "*Errors by revision*
        | Revision    | Targets | Errors | Requests | Share |
        | feed-api:48 | 5       | 133    | 435      | 31 %  |
        | feed-api:46 | 15      | 0      | 1,584    | 0 %   |"
    `);
    expect(await read('by-service', canary)).toMatchInlineSnapshot(`
      "*Errors by service*
        | Service  | Targets | Errors | Requests | Share |
        | feed-api | 20      | 133    | 2,019    | 6.6 % |"
    `);
  });

  it('show the Auto Scaling group of an instance as its service', async () => {
    expect(await read('by-service', spot)).toMatchInlineSnapshot(`
      "*Errors by service*
        | Service    | Targets      | Errors | Requests | Share  |
        | feed-fleet | 4, 1 stopped | 16     | 2,898    | 0.55 % |"
    `);
    expect(await read('by-revision', spot)).toMatchInlineSnapshot(`
      "*Errors by revision*
        | Revision  | Targets      | Errors | Requests | Share  |
        | not known | 4, 1 stopped | 16     | 2,898    | 0.55 % |"
    `);
  });

  it("say that AWS was not asked, or does not know the targets' owners", async () => {
    expect(await read('by-service', keepAlive)).toBe('AWS did not say whose the targets are.');
  });

  it('sort numbers as numbers, even if written differently', async () => {
    const [block] = asMessage(await ask('by-revision', canary)).blocks;
    const numeric = (value: number, text: string) => ({ type: 'raw_number', value, text });
    const share = { type: 'raw_number', value: expect.closeTo(133 / 435), text: '31 %' };
    expect(block).toMatchObject({
      type: 'data_table',
      caption: 'Errors by revision',
      rows: [
        [{ text: 'Revision' }, { text: 'Targets' }, { text: 'Errors' }, { text: 'Requests' }, { text: 'Share' }],
        [{ type: 'raw_text' }, numeric(5, '5'), numeric(133, '133'), numeric(435, '435'), share],
        [{ type: 'raw_text' }, numeric(15, '15'), numeric(0, '0'), numeric(1584, '1,584'), numeric(0, '0 %')],
      ],
    });
  });

  it('are text when Slack accepts no table', async () => {
    const { text, plainBlocks } = asMessage(await ask('by-target', blocked));
    expect(readMessage({ text, blocks: plainBlocks })).toMatch(/checkout {2}.*10\.0\.11\.64:8080/);
  });

  it('have a hundred rows, or twenty as text, and the number of others', async () => {
    const { accessLog } = blocked.evidence;
    if (accessLog.status === 'unavailable') throw new Error('The incident has a log.');
    const [target] = accessLog.value.targets;
    const targets = Array.from({ length: 130 }, (_, index) => ({ ...target, target: `10.0.${index}.7:8080` }));
    const evidence = {
      ...blocked.evidence,
      accessLog: { ...accessLog, value: { ...accessLog.value, targets } },
    } as EvidenceSet;
    const given = { ...blocked, evidence };
    const lines = (await read('by-target', given)).split('\n');
    expect(lines.filter((line) => line.startsWith('  |'))).toHaveLength(101);
    expect(lines.at(-1)).toBe('… and 30 more');
    const { text, plainBlocks } = asMessage(await ask('by-target', given));
    const plain = readMessage({ text, blocks: plainBlocks }).split('\n');
    expect(plain.filter((line) => line.includes(':8080'))).toHaveLength(20);
    expect(plain.at(-1)).toBe('… and 110 more');
  });
});

it('show errors and requests over time, and other events', async () => {
  const text = await read('timeline', keepAlive);
  expect(text).toMatch(/closed-before-response +123 {2}[▁▂▃▄▅▆▇█·]{15} {2}peak 22 at 02:44:00/);
  expect(text).toContain('First error 02:40:05 UTC, last 02:54:58 UTC.');
  expect(text).toContain('8 targets in the log; none joined or left.');
});

describe('network paths', () => {
  it('name the blocking rule first, once for all its targets, and the command that opens it', async () => {
    const lines = (await read('path', blocked))
      .split('\n')
      .filter((line) => line.startsWith('  •') || line.startsWith('    '));
    expect(lines[0]).toBe(
      '  • ✗ *checkout, 10.0.10.62 and 10.0.11.64 on 8080 (healthy)*: blocked. sg-0e9d8c7b6a5f41302 of these targets does not allow TCP 8080 from the load balancer (sg-0b1f6a2c9d4e7f803); it allows TCP 8081 from sg-0b1f6a2c9d4e7f803.',
    );
    expect(lines.at(-1)).toBe(
      '    aws ec2 authorize-security-group-ingress --group-id sg-0e9d8c7b6a5f41302 --protocol tcp --port 8080 --source-group sg-0b1f6a2c9d4e7f803',
    );
  });
});

describe('repeating by hand', () => {
  it('appears in the thread when short', async () => {
    expect(await read('repeat', { ...keepAlive, diagnosis: race })).toMatch(/to repeat by hand\. They only read\./);
  });

  it('is a file with every call once when long', async () => {
    const { filename, content } = asFile(await ask('repeat', keepAlive));
    expect(filename).toBe('shop-prod-202611180240-repeat-by-hand.txt');
    expect(content).toContain('# For every step\n');
    const calls = content.split('\n').filter((line) => line.startsWith('aws '));
    expect(new Set(calls).size).toBe(calls.length);
  });
});

describe('the fix', () => {
  it('has every command and side effect, and changes nothing by itself', async () => {
    const text = await read('fix', keepAlive);
    expect(text).toContain('*Fix: Keep-alive race*');
    expect(text).toContain('--attributes Key=idle_timeout.timeout_seconds,Value=5');
    expect(text).toContain('*Side effects*');
    expect(text).toContain('*Fix: Worker timeout in the target*');
    expect(text).toContain('alb502 has run none of this: it only reads.');
    // As the headline says it.
    expect(await read('fix', memory)).toContain('*Fix: Out of memory (connection refused while in service)*');
  });

  it('starts with the application log when the verdict is undecided', async () => {
    const text = await read('fix', oneRow);
    expect(text.split('\n')[0]).toBe('*Decide first: one look, before you change anything*');
    expect(text).toContain('*In CloudWatch Logs Insights*');
    expect(text).toContain('*If it is: Malformed HTTP response*');
  });
});

it('shows all evidence for and against, or a dash', async () => {
  const text = await read('evidence', keepAlive);
  expect(text).toContain('  • For: 112 connections closed within 45 ms of the request, as in a race.');
  expect(text).toContain('  • Against: nothing');
  expect(text).toContain('*Ruled out*');
});

it('has the post-mortem as a file of Markdown', async () => {
  const { filename, content } = asFile(await ask('post-mortem', keepAlive));
  expect(filename).toBe('shop-prod-202611180240-post-mortem.md');
  expect(content).toMatch(/^# shop-prod: keep-alive race \(likely\) · 123 × 502, 1.4 % of requests · 2026-11-18/);
});
