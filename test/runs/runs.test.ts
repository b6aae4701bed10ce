import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { collect } from '../../src/collect/collect.ts';
import {
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { EvidenceSet } from '../../src/evidence/evidence.ts';
import type { Question } from '../../src/evidence/question.ts';
import { Problem } from '../../src/problem.ts';
import { redactEvidence } from '../../src/redact/redact-evidence.ts';
import { type Feedback, newRun, Run } from '../../src/runs/run.ts';
import { openRunStore } from '../../src/runs/runs.ts';
import { openFolderStore } from '../../src/runs/store/folder-store.ts';
import type { Store } from '../../src/runs/store/store.ts';
import { AWS_FILES, incidentFolder, temporaryFolder } from '../support/incident/folder.ts';
import { gzipLines, logLine, logName } from '../support/incident/log-lines.ts';
import { changedRun, type RunChanges } from '../support/runs/changed-run.ts';

const START = Date.parse('2026-11-20T02:56:00.500Z');
const MINUTE = 60_000;
const DAY = 86_400_000;

const loadBalancer = {
  name: 'my-load-balancer',
  arn: 'arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/app/my-load-balancer/50dc6c495c0c9188',
  account: 'default',
  region: 'us-west-2',
};
const person: Run['askedBy'] = { kind: 'person', user: 'U0123456789', team: 'T0123456789' };

function runAt(now: number, changes: RunChanges = {}): Run {
  const question = { loadBalancer, from: now - 15 * MINUTE, to: now, statuses: ['5xx'] };
  return changedRun(newRun({ askedBy: person, question, channel: 'C0123456789', parentTs: null, now }), changes);
}
const atEnd: RunChanges = { state: 'final', outbox: { kind: 'empty' } };

/** Runs in a new folder, by two processes, with a clock that is set by hand. */
async function twice(retentionDays = 90) {
  const dir = temporaryFolder();
  const clock = { now: START };
  const store = await openFolderStore(dir);
  const options = { retentionDays, now: () => clock.now };
  return {
    dir,
    clock,
    store,
    runs: openRunStore(store, options),
    others: openRunStore(await openFolderStore(dir), options),
  };
}

const latch = () => Promise.withResolvers<void>();

/** What a store is asked, beside what it answers. */
function watched(store: Store): { store: Store; asked: string[] } {
  const asked: string[] = [];
  const noted = <T>(what: string, answer: T): T => {
    asked.push(what);
    return answer;
  };
  return {
    asked,
    store: {
      read: (key) => noted(`read ${key}`, store.read(key)),
      write: (key, body, expected) => noted(`write ${key}`, store.write(key, body, expected)),
      list: (prefix, after) => noted(`list ${prefix}`, store.list(prefix, after)),
      remove: (key) => noted(`remove ${key}`, store.remove(key)),
    },
  };
}

describe('a new run', () => {
  it('gets an id from the time of its question, and has no answer', () => {
    const run = runAt(START);
    expect(run.id).toMatch(/^20261120t025600-[0-9a-f]{8}$/);
    expect(Run.parse(run)).toEqual(run);
    expect(run).toMatchObject({
      state: 'queued',
      attempts: 0,
      to: '2026-11-20T02:56:00.500Z',
      outbox: { kind: 'empty' },
    });
    expect(runAt(START).id).not.toBe(run.id);
  });

  it('can take a given id', () => {
    const question = { loadBalancer, from: 0, to: 1, statuses: ['5xx'] };
    const id = '20261119t024012-5f3a9c1e';
    expect(newRun({ askedBy: person, question, channel: 'C1', parentTs: null, now: START, id }).id).toBe(id);
  });
});

describe('a run', () => {
  it('is written once', async () => {
    const { runs, others } = await twice();
    const run = runAt(START);
    expect(await runs.create(run)).toEqual(run);
    expect(await others.create(changedRun(run, { state: 'failed' }))).toEqual(run);
    expect(await others.read(run.id)).toEqual(run);
  });

  it('does not exist for an unknown id of any form', async () => {
    const { runs } = await twice();
    for (const id of ['20261119t024012-5f3a9c1e', '', '../../etc/passwd', '<!channel>'])
      expect(await runs.read(id)).toBeNull();
  });

  it('keeps all concurrent changes, and records their time', async () => {
    const { runs, others, clock } = await twice();
    const { id } = await runs.create(runAt(START));
    clock.now += 1000;
    const count = (run: Run) => ({ ...run, attempts: run.attempts + 1 });
    await Promise.all(Array.from({ length: 30 }, (_, at) => (at % 2 ? runs : others).change(id, count)));
    expect(await runs.read(id)).toMatchObject({ attempts: 30, updatedAt: '2026-11-20T02:56:01.500Z' });
  });

  it('cannot be changed when it does not exist', async () => {
    const { runs } = await twice();
    const id = '20261119t024012-5f3a9c1e';
    for (const attempt of [runs.change(id, (run) => run), runs.lease(id, 'a', 1), runs.release(id, 'a')])
      await expect(attempt).rejects.toThrow(`Run ${id} is no longer stored.`);
  });

  it('can be changed after a change that threw', async () => {
    const { runs } = await twice();
    const { id } = await runs.create(runAt(START));
    const thrown = runs.change(id, () => {
      throw new Error('no');
    });
    await expect(thrown).rejects.toThrow('no');
    expect(await runs.change(id, (run) => ({ ...run, attempts: 1 }))).toMatchObject({ attempts: 1 });
  });

  it('throws when its record is unreadable, and lists still show the others', async () => {
    const { runs, store } = await twice();
    const good = await runs.create(runAt(START + 1000));
    const { id } = await runs.create(runAt(START));
    await store.write(`runs/${id}/run.json`, '{"schema": 3}', 'any');
    await expect(runs.read(id)).rejects.toThrow(Problem);
    await expect(runs.read(id)).rejects.toThrow(`runs/${id}/run.json of the run store cannot be read: state: `);
    expect(await runs.open()).toEqual([good]);
    expect(await runs.recent(5)).toEqual([good]);
  });
});

describe('a lease', () => {
  it('has one owner at a time, who may renew it', async () => {
    const { runs, others, clock } = await twice();
    const { id } = await runs.create(runAt(START));
    expect(await runs.lease(id, 'a', 60_000)).toMatchObject({
      lease: { owner: 'a', until: '2026-11-20T02:57:00.500Z' },
    });
    expect(await others.lease(id, 'b', 60_000)).toBeNull();
    clock.now += 59_999;
    expect(await runs.lease(id, 'a', 60_000)).toMatchObject({ lease: { until: '2026-11-20T02:58:00.499Z' } });
    expect(await others.lease(id, 'b', 60_000)).toBeNull();
  });

  it('expires by itself', async () => {
    const { runs, others, clock } = await twice();
    const { id } = await runs.create(runAt(START));
    await runs.lease(id, 'a', 60_000);
    clock.now += 60_000;
    expect(await others.lease(id, 'b', 60_000)).toMatchObject({ lease: { owner: 'b' } });
    expect(await runs.lease(id, 'a', 60_000)).toBeNull();
  });

  it('is released only by its owner', async () => {
    const { runs, others } = await twice();
    const { id } = await runs.create(runAt(START));
    await runs.lease(id, 'a', 60_000);
    await others.release(id, 'b');
    expect(await runs.read(id)).toMatchObject({ lease: { owner: 'a' } });
    await runs.release(id, 'a');
    expect(await runs.read(id)).toMatchObject({ lease: null });
  });

  it('goes to one of many processes that want it at once', async () => {
    const { runs, others } = await twice();
    const { id } = await runs.create(runAt(START));
    const owners = Array.from({ length: 20 }, (_, at) => `owner-${at}`);
    const leases = await Promise.all(owners.map((owner, at) => (at % 2 ? runs : others).lease(id, owner, 60_000)));
    expect(leases.filter((lease) => lease !== null)).toHaveLength(1);
  });
});

describe('open runs', () => {
  const later = new Date(START + 6 * MINUTE).toISOString();

  it.each<[string, RunChanges, boolean]>([
    ['queued', { state: 'queued' }, true],
    ['running', { state: 'running' }, true],
    ['provisional, to be asked again', { state: 'provisional', nextAttemptAt: later }, true],
    ['final with a message half posted', { state: 'final', outbox: { kind: 'posting', message: 'verdict' } }, true],
    ['provisional for good', { state: 'provisional' }, false],
    ['final', { state: 'final' }, false],
    ['partial', { state: 'partial' }, false],
    ['failed', { state: 'failed' }, false],
    ['interrupted', { state: 'interrupted' }, false],
  ])('%s', async (_, changes, isOpen) => {
    const { runs, clock } = await twice();
    const { id } = await runs.create(runAt(START, changes));
    const ids = async () => (await runs.open()).map((run) => run.id);
    expect(await ids()).toEqual(isOpen ? [id] : []);
    // Opened and closed since.
    await runs.change(id, (run) => changedRun(run, atEnd));
    clock.now += 2 * MINUTE;
    expect(await ids()).toEqual([]);
    await runs.change(id, (run) => changedRun(run, changes));
    clock.now += 2 * MINUTE;
    expect(await ids()).toEqual(isOpen ? [id] : []);
  });

  it('are listed oldest first', async () => {
    const { runs } = await twice();
    const [second, first] = [await runs.create(runAt(START + 5000)), await runs.create(runAt(START))];
    expect(await runs.open()).toEqual([first, second]);
  });

  it('are found without reading completed ones', async () => {
    const { store, clock } = await twice();
    const { store: seen, asked } = watched(store);
    const runs = openRunStore(seen, { retentionDays: 90, now: () => clock.now });
    for (let at = 0; at < 5; at++) {
      const { id } = await runs.create(runAt(START + at));
      await runs.change(id, (run) => changedRun(run, atEnd));
    }
    clock.now += 2 * MINUTE;
    expect(await runs.open()).toEqual([]);
    asked.length = 0;
    expect(await runs.open()).toEqual([]);
    expect(asked).toEqual(['list open/']);
  });

  it('stay open if reopened during a cleanup', async () => {
    const { runs, others, clock } = await twice();
    const { id } = await runs.create(runAt(START, atEnd));
    for (let round = 0; round < 20; round++) {
      await runs.change(id, (run) => changedRun(run, { state: 'running' }));
      await runs.change(id, (run) => changedRun(run, atEnd));
      clock.now += 2 * MINUTE;
      await Promise.all([
        others.open(),
        wait(round % 5).then(() =>
          runs.change(id, (run) => changedRun(run, { outbox: { kind: 'posting', message: 'root' } })),
        ),
      ]);
      expect((await others.open()).map((run) => run.id)).toEqual([id]);
      await runs.change(id, (run) => changedRun(run, atEnd));
    }
  });

  it('stay listed while the write that opens them is running', async () => {
    const { store, others, clock } = await twice();
    const [reached, may] = [Array.from({ length: 2 }, latch), Array.from({ length: 2 }, latch)];
    let writes = 0;
    const slow: Store = {
      ...store,
      async write(key, body, expected) {
        const at = key.endsWith('run.json') ? writes++ : -1;
        reached[at]?.resolve();
        await may[at]?.promise;
        return store.write(key, body, expected);
      },
    };
    const runs = openRunStore(slow, { retentionDays: 90, now: () => clock.now });
    const { id } = await others.create(runAt(START, atEnd));
    const openings = [
      () => runs.change(id, (run) => changedRun(run, { outbox: { kind: 'posting', message: 'root' } })),
      () => runs.create(runAt(START + 1000)),
    ];
    for (const [at, open] of openings.entries()) {
      const opening = open();
      await reached[at]?.promise;
      clock.now += 50_000;
      await others.open();
      may[at]?.resolve();
      const run = await opening;
      expect((await others.open()).map((one) => one.id)).toContain(run.id);
    }
  });

  it('are found after a crash between the writes of a new run', async () => {
    const { store, clock } = await twice();
    let left = 3;
    const breaking: Store = {
      ...store,
      write: (key, body, expected) =>
        left-- > 0 ? store.write(key, body, expected) : Promise.reject(new Error('crash')),
    };
    for (let writes = 0; writes <= 3; writes++) {
      left = writes;
      const run = runAt(START + writes * 1000);
      const runs = openRunStore(breaking, { retentionDays: 90, now: () => clock.now });
      const isCreated = await runs.create(run).then(
        () => true,
        () => false,
      );
      const survivor = openRunStore(store, { retentionDays: 90, now: () => clock.now });
      expect(await survivor.read(run.id)).toEqual(isCreated ? run : null);
      expect((await survivor.open()).some(({ id }) => id === run.id)).toBe(isCreated);
    }
  });
});

describe('recent runs', () => {
  it('are listed newest first, across months, up to a limit', async () => {
    const { store, clock } = await twice();
    const { store: seen, asked } = watched(store);
    const runs = openRunStore(seen, { retentionDays: 90, now: () => clock.now });
    const ages = [80, 40, 21, 20, 3, 2, 1, 0];
    const ids: string[] = [];
    for (const age of ages) ids.unshift((await runs.create(runAt(START - age * DAY))).id);
    asked.length = 0;
    expect((await runs.recent(3)).map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect(asked).toEqual(['list index/202611/', ...ids.slice(0, 3).map((id) => `read runs/${id}/run.json`)]);
    expect((await runs.recent(100)).map(({ id }) => id)).toEqual(ids);
    expect(await runs.recent(0)).toEqual([]);
  });
});

describe('the same question', () => {
  const ask = (changes: RunChanges = {}, now = START) => runAt(now, changes);

  it('shares one run among people who ask at the same time', async () => {
    const { runs, others } = await twice();
    const asking = Array.from({ length: 30 }, (_, at) => ask({}, START + at * 10));
    const answers = await Promise.all(asking.map((run, at) => (at % 2 ? runs : others).claim(run, run.id)));
    const [winner, second] = asking.filter((_, at) => answers[at] === null);
    expect(second).toBeUndefined();
    expect(new Set(answers)).toEqual(new Set([null, winner?.id]));
  });

  it('stays the same when the minute turns, and is new a minute later', async () => {
    const { runs, clock } = await twice();
    const first = ask({}, Date.parse('2026-11-20T02:56:59.900Z'));
    expect(await runs.claim(first, first.id)).toBeNull();
    const next = ask({}, Date.parse('2026-11-20T02:57:00.100Z'));
    expect(await runs.claim(next, next.id)).toBe(first.id);
    clock.now += MINUTE;
    const later = ask({}, Date.parse('2026-11-20T02:57:59.900Z'));
    expect(await runs.claim(later, later.id)).toBeNull();
  });

  it('about fixed times stays the same while it is answered, and for a minute', async () => {
    const { runs, clock } = await twice();
    const first = await runs.create(ask({ state: 'running' }));
    const again = { ...first, id: ask().id };
    expect(await runs.claim(first, first.id)).toBeNull();
    clock.now += 10 * MINUTE;
    expect(await runs.claim(again, again.id)).toBe(first.id);
    await runs.change(first.id, (run) => changedRun(run, atEnd));
    expect(await runs.claim(again, again.id)).toBeNull();
  });

  it.each(['failed', 'interrupted'] as const)('is free at once when the run %s', async (state) => {
    const { runs, others } = await twice();
    const first = await runs.create(ask({ state: 'running' }));
    expect(await runs.claim(first, first.id)).toBeNull();
    const again = { ...first, id: ask().id };
    expect(await others.claim(again, again.id)).toBe(first.id);
    await runs.change(first.id, (run) => changedRun(run, { ...atEnd, state }));
    expect(await others.claim(again, again.id)).toBeNull();
    expect(await runs.claim(first, ask({}, START + 5000).id)).toBe(again.id);
  });

  it.each<[string, RunChanges]>([
    ['load balancer', { loadBalancer: { ...loadBalancer, arn: `${loadBalancer.arn}x` } }],
    ['statuses', { statuses: ['502'] }],
    ['length of window', { from: new Date(START - 30 * MINUTE).toISOString() }],
    ['time', { from: new Date(START - 16 * MINUTE).toISOString(), to: new Date(START - MINUTE).toISOString() }],
  ])('is a different one with another %s', async (_, changes) => {
    const { runs } = await twice();
    const [first, second] = [ask(), ask(changes)];
    expect(await runs.claim(first, first.id)).toBeNull();
    expect(await runs.claim(second, second.id)).toBeNull();
  });

  it('finds its own run when it claims again', async () => {
    const { runs } = await twice();
    const run = ask();
    expect(await runs.claim(run, run.id)).toBeNull();
    expect(await runs.claim(run, run.id)).toBeNull();
  });
});

/** The evidence of a recorded incident, with the statuses it is about. */
async function investigated(dir: string, words = '') {
  const incident = await readIncident(dir);
  const { diagnosis } = await diagnoseRecording(incident, words);
  const asked = { loadBalancer: null, window: null, statuses: words === '' ? null : words.split(' ') };
  const question = questionToRecording(incident, asked);
  const evidence = await collect(recordedCollectors(incident, question));
  return { question, evidence, diagnosis: diagnose(question, evidence), judged: diagnosis };
}

const filesIn = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const scenarios = join(import.meta.dirname, '../scenarios');

describe('stored findings', () => {
  it.each(readdirSync(scenarios).filter((name) => /^\d/.test(name)))(
    '%s gives the same diagnosis again',
    async (name) => {
      const { dir, runs, others } = await twice();
      const { id } = await runs.create(runAt(START));
      const folder = join(scenarios, name);
      const { statuses = [] } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
        statuses?: string[];
      };
      const investigation = await investigated(folder, statuses.join(' '));
      await runs.keep(id, investigation);

      const kept = await others.evidence(id);
      if (kept === null) throw new Error('not kept');
      // The record is redacted, and routes of these incidents hold nothing to hide.
      const redacted = diagnose(investigation.question, redactEvidence(investigation.evidence));
      expect(diagnose(kept.question, kept.evidence)).toEqual(redacted);
      expect(redacted).toEqual(investigation.diagnosis);
      expect(investigation.diagnosis).toEqual(investigation.judged);
      expect(await others.diagnosis(id)).toEqual(investigation.diagnosis);

      // The folder of the store is an incident that the command reads, with feedback beside it.
      await runs.change(id, (run) => ({ ...run, feedback: [right] }));
      const replayed = await diagnoseRecording(await readIncident(join(dir, 'runs', id, 'incident')), '');
      expect(replayed.diagnosis).toEqual(redacted);
    },
  );

  it('do not exist before the first diagnosis', async () => {
    const { runs } = await twice();
    const { id } = await runs.create(runAt(START));
    expect(await runs.evidence(id)).toBeNull();
    expect(await runs.diagnosis(id)).toBeNull();
  });

  it('contain no client address, query string or secret', async () => {
    const { dir, runs } = await twice();
    const { id } = await runs.create(runAt(START));
    const secrets = ['203.0.113.77', '2600:1f14::77', 'token=hunter2', 'hunter2'];
    const folder = incidentFolder({
      ...AWS_FILES,
      [`logs/${logName('0245')}`]: gzipLines(
        logLine({
          time: '02:41:00.000',
          client: '203.0.113.77:1',
          request: 'GET http://a.example:80/pay?token=hunter2 HTTP/1.1',
        }),
        logLine({
          time: '02:42:00.000',
          client: '[2600:1f14::77]:2',
          request: 'GET http://a.example:80/pay?token=hunter2 HTTP/1.1',
        }),
        'broken 203.0.113.77:1 GET /pay?token=hunter2',
      ),
    });
    const investigation = await investigated(folder);
    expect(investigation.diagnosis.triage.errors).toBe(2);
    await runs.keep(id, investigation);
    const files = filesIn(dir);
    expect(files.some((file) => file.endsWith('incident/access-log.json'))).toBe(true);
    for (const file of files)
      for (const secret of secrets) expect(readFileSync(file, 'utf8'), file).not.toContain(secret);
  });

  it('are a copy that stays when the original run is asked again', async () => {
    const { runs, others, store } = await twice();
    const [{ id }, copy] = [await runs.create(runAt(START)), await runs.create(runAt(START + 1000))];
    expect(await runs.copy(id, copy.id)).toBe(false);
    const first = await investigated(join(scenarios, '003-connection-refused'));
    await runs.keep(id, first);
    const before = await runs.evidence(id);
    expect(await others.copy(id, copy.id)).toBe(true);
    await runs.keep(id, await investigated(incidentFolder({})));
    expect(await runs.evidence(copy.id)).toEqual(before);
    expect(await runs.diagnosis(copy.id)).toEqual(first.diagnosis);
    expect((await runs.evidence(id))?.evidence).not.toEqual(before?.evidence);
    expect(await store.list(`runs/${copy.id}/incident/`)).not.toEqual([]);
  });

  it('are replaced as a whole', async () => {
    const { dir, runs, store } = await twice();
    const { id } = await runs.create(runAt(START));
    await runs.keep(id, await investigated(join(scenarios, '003-connection-refused')));
    const second = await investigated(incidentFolder({}));
    await runs.keep(id, second);
    expect(await runs.diagnosis(id)).toEqual(second.diagnosis);
    expect((await runs.evidence(id))?.evidence).toEqual(second.evidence);
    expect(await store.list(`runs/${id}/incident/`)).toEqual([`runs/${id}/incident/incident.json`]);
    expect(filesIn(dir).filter((file) => file.includes('incident-files'))).toHaveLength(1);
  });

  it('are read only after a replacement is complete, and not after a crash during one', {
    timeout: 30_000,
  }, async () => {
    const { runs, store } = await twice();
    const { id } = await runs.create(runAt(START));
    const [first, second] = await Promise.all(
      ['003-connection-refused', '007-slow-target'].map((name) => investigated(join(scenarios, name))),
    );
    if (first === undefined || second === undefined) throw new Error('no scenarios');
    await runs.keep(id, first);
    const whole = (await runs.evidence(id))?.evidence;
    const answers: unknown[] = [];
    for (const writes of [0, 3, 12, 'all files'] as const) {
      let left = writes === 'all files' ? 1000 : writes;
      const isLast = (key: string) => key.endsWith('incident-files.json');
      const crashing: Store = {
        ...store,
        write: (key, body, expected) =>
          left-- > 0 && !isLast(key) ? store.write(key, body, expected) : Promise.reject(new Error('crash')),
      };
      await expect(openRunStore(crashing, { retentionDays: 90 }).keep(id, second)).rejects.toThrow('crash');
      const kept = await runs.evidence(id);
      expect([null, whole]).toContainEqual(kept?.evidence ?? null);
      answers.push(kept);
    }
    expect(answers.at(-1)).toBeNull();
    expect(await runs.diagnosis(id)).toEqual(first.diagnosis);

    // Sees the half, and looks again when the other half is there.
    const isWhole = Promise.withResolvers<void>();
    let looks = 0;
    const looking: Store = {
      ...store,
      async read(key) {
        if (key.endsWith('incident-files.json') && ++looks === 2) await isWhole.promise;
        return store.read(key);
      },
    };
    const reading = openRunStore(looking, { retentionDays: 90 }).evidence(id);
    await expect.poll(() => looks).toBe(2);
    await runs.keep(id, second);
    isWhole.resolve();
    expect((await reading)?.evidence).toEqual((await runs.evidence(id))?.evidence);
  });

  it('leave no temporary files', async () => {
    const { runs } = await twice();
    // A separate temporary folder: other tests use the machine's.
    const own = temporaryFolder();
    vi.stubEnv('TMPDIR', own);
    onTestFinished(() => void vi.unstubAllEnvs());
    const ours = () => readdirSync(own).filter((name) => name.startsWith('alb502-run-'));
    const before = ours();
    const { id } = await runs.create(runAt(START));
    await runs.keep(id, await investigated(join(scenarios, '003-connection-refused')));
    await runs.evidence(id);
    await expect(
      runs.keep(id, { evidence: {} as EvidenceSet, question: {} as Question, diagnosis: {} as never }),
    ).rejects.toThrow();
    expect(ours()).toEqual(before);
  });
});

const right: Feedback = {
  user: 'U0123456789',
  at: '2026-11-20T03:10:00.000Z',
  verdict: 'right',
  cause: null,
  words: null,
};

describe('feedback', () => {
  it('is stored next to the incident', async () => {
    const { dir, runs, others } = await twice();
    const { id } = await runs.create(runAt(START));
    const wrong: Feedback = { ...right, verdict: 'wrong', cause: 'slow-target', words: 'the <database>' };
    await runs.change(id, (run) => ({ ...run, feedback: [...run.feedback, right] }));
    await others.change(id, (run) => ({ ...run, feedback: [...run.feedback, wrong] }));
    const file = JSON.parse(readFileSync(join(dir, 'runs', id, 'incident', 'feedback.json'), 'utf8'));
    expect(file).toEqual([
      { run: id, ...right },
      { run: id, ...wrong },
    ]);
  });

  it('is kept when the incident is stored again', async () => {
    const { store, runs } = await twice();
    const { id } = await runs.create(runAt(START));
    const investigation = await investigated(incidentFolder({}));
    await runs.keep(id, investigation);
    await runs.change(id, (run) => ({ ...run, feedback: [right] }));
    await runs.keep(id, investigation);
    expect(await store.read(`runs/${id}/incident/feedback.json`)).not.toBeNull();
    expect(await runs.evidence(id)).not.toBeNull();
  });
});

describe('retention', () => {
  it('removes older runs, claims and episodes', async () => {
    const { store, runs, clock } = await twice(30);
    const old = await runs.create(runAt(START));
    await runs.claim(old, old.id);
    await runs.keep(old.id, await investigated(incidentFolder({})));
    await runs.change(old.id, (run) => ({ ...run, feedback: [right] }));
    await store.write('episodes/a.json', JSON.stringify({ openedAt: '2026-11-20T02:50:00Z', closedAt: null }), 'any');
    clock.now += 20 * DAY;
    const young = await runs.create(runAt(clock.now));
    await runs.claim({ ...young, statuses: ['502'] }, young.id);
    await store.write(
      'episodes/b.json',
      JSON.stringify({ openedAt: '2026-11-20T02:50:00Z', closedAt: young.createdAt }),
      'any',
    );
    const before = await store.list('');
    expect(await runs.sweep()).toBe(0);
    expect(await store.list('')).toEqual(before);

    clock.now += 10 * DAY + 15 * MINUTE;
    expect(await runs.sweep()).toBe(1);
    expect(await runs.read(old.id)).toBeNull();
    expect(await runs.read(young.id)).toEqual(young);
    const after = await store.list('');
    expect(after.filter((key) => key.includes(old.id))).toEqual([]);
    expect(after.filter((key) => key.startsWith('episodes/'))).toEqual(['episodes/b.json']);
    expect(after.filter((key) => key.startsWith('claims/'))).toHaveLength(1);
    expect(await runs.recent(5)).toEqual([young]);
    expect(await runs.sweep()).toBe(0);
  });
});
