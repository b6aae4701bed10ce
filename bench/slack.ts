/**
 * Measures the bot against a local Slack, each in a process of its own, with recorded incidents instead of AWS:
 *
 *     node bench/slack.ts [--runs 500]
 *
 * - 50 commands at once: how long each waited to be acknowledged (Slack gives 3 s; the aim is 500 ms for 99 of 100)
 * - 20 diagnoses at once, with Slack's rate limits: edits in any minute, calls refused for their rate, final states
 *   delivered
 * - memory: the heap after a collection when 100 runs have ended, and when all have
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readIncident } from '../src/collect/incident/incident-collectors.ts';
import {
  type Call,
  type LocalSlack,
  type Message,
  type Options,
  openLocalSlack,
} from '../test/support/slack/local-slack.ts';
import { percentile } from './measured.ts';

const SCENARIOS = join(import.meta.dirname, '../test/scenarios');
const ACK_AIM = 500;
const EDITS_A_MINUTE = 50;
/** Growth allowed for the heap between the first hundred runs and the last. */
const GROWTH = 1.1;

// Ignore options of the other benchmarks.
const { values } = parseArgs({ strict: false, options: { runs: { type: 'string', default: '500' } } });

/** Incidents of typical sizes: small ones, and one of 8,700 requests. */
const INCIDENTS = [
  '001-keep-alive-race-beside-worker-timeout',
  '003-connection-refused',
  '004-one-row-undecided',
  '007-slow-target',
  '012-target-generated',
];

interface Bench {
  slack: LocalSlack;
  heap(): Promise<number>;
}

interface Load {
  limits: { atOnce: number; queue: number; perUser?: number; perHour?: number };
  speed?: number;
  pace?: number;
}

async function withBot(
  options: Options,
  { limits, speed = 1, pace = 150 }: Load,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const slack = await openLocalSlack(options);
  const folder = await mkdtemp(join(tmpdir(), 'alb502-bench-'));
  const settings = {
    apiUrl: slack.apiUrl,
    botToken: slack.botToken,
    appToken: slack.appToken,
    recorded: INCIDENTS.map((name) => join(SCENARIOS, name)),
    speed,
    pace,
    config: { healthPort: 0, logLevel: 'error', runs: { folder }, limits },
  };
  const bot = fork(join(import.meta.dirname, 'slack-bot.ts'), [JSON.stringify(settings)], {
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  });
  const gone = once(bot, 'exit');
  try {
    await Promise.race([
      once(bot, 'message'),
      gone.then(([code]) => Promise.reject(new Error(`the bot ended with ${code}`))),
    ]);
    await slack.until(() => slack.sockets.connections() > 0, 'the bot', 30_000);
    const heap = async (): Promise<number> => {
      bot.send({});
      const [answer] = await once(bot, 'message');
      return answer.heap;
    };
    await work({ slack, heap });
    if (slack.refusals.length > 0) throw new Error(`Slack would refuse:\n${slack.refusals.slice(0, 10).join('\n')}`);
  } finally {
    bot.kill('SIGTERM');
    await gone;
    await slack.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Distinct questions: each incident in turn, with different ends of the window. */
const incidents = await Promise.all(
  INCIDENTS.map(async (name) => {
    const { from, to } = await readIncident(join(SCENARIOS, name));
    // A load balancer's name has at most 32 characters, so use part of the incident's.
    return { name: name.slice(0, 14), from, to };
  }),
);
function question(index: number): string {
  const one = incidents[index % incidents.length];
  if (one === undefined) throw new Error('no incidents');
  const step = Math.floor(index / incidents.length);
  const minutes = Math.floor((one.to - one.from) / 60_000);
  const iso = (at: number) => new Date(at).toISOString().slice(0, 19);
  // Every start with every length of at least a minute, then windows beyond the recorded one.
  const to = one.to - (step % minutes) * 60_000 + Math.floor(step / minutes) * 7 * 60_000;
  return `${one.name} from ${iso(one.from)} to ${iso(Math.max(to, one.from + 60_000))}`;
}

/** Number of threads that show their answer: the root, the checklist and the verdict. */
const finished = (slack: LocalSlack, channels: readonly string[]): number =>
  channels.reduce((sum, channel) => sum + slack.roots(channel).filter((root) => isFinal(slack, root)).length, 0);

/** What a root message says before its answer is final: see root.ts. */
const UNDER_WAY = /queued|diagnosing…|reading the access log|provisional|next check|checking again/i;

function isFinal(slack: LocalSlack, { text, channel, ts }: Message): boolean {
  if (UNDER_WAY.test(text)) return false;
  const [checklist, verdict] = slack.thread(channel, ts);
  return verdict !== undefined && !/: \d of 6 steps(?! incomplete)/.test(checklist?.text ?? '');
}

const people = (count: number): string[] => Array.from({ length: count }, (_, index) => `person${index}`);
const channelsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `room${index}`);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
function fail(why: string): void {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
}

async function commandsAtOnce(): Promise<void> {
  const [users, channels] = [people(50), channelsOf(10)];
  await withBot({ users, channels }, { limits: { atOnce: 4, queue: 100 } }, async ({ slack }) => {
    const all = await Promise.all(
      users.map((user, index) => slack.command({ user, channel: `room${index % 10}`, text: question(index) })),
    );
    const waits = all.map(({ outcome }) => (outcome.acknowledged ? outcome.milliseconds : Number.POSITIVE_INFINITY));
    const p99 = percentile(waits, 0.99);
    say(
      `50 commands at once: acknowledged after ${percentile(waits, 0.5).toFixed(0)} ms (median), ${p99.toFixed(0)} ms (p99)`,
    );
    if (!(p99 < ACK_AIM)) fail(`an acknowledgement took ${p99.toFixed(0)} ms; less than ${ACK_AIM} ms is wanted`);
  });
}

/** The largest number of calls in any minute. */
function mostInAMinute(calls: readonly Call[]): number {
  const times = calls.map(({ at }) => at).sort((a, b) => a - b);
  return Math.max(0, ...times.map((start, index) => times.slice(index).filter((at) => at < start + 60_000).length));
}

async function diagnosesAtOnce(): Promise<void> {
  const [users, channels] = [people(20), channelsOf(4)];
  await withBot({ users, channels, rateLimits: true }, { limits: { atOnce: 20, queue: 20 } }, async ({ slack }) => {
    const began = performance.now();
    await Promise.all(
      users.map((user, index) => slack.command({ user, channel: `room${index % 4}`, text: question(index) })),
    );
    await slack.until(() => finished(slack, channels) === users.length, 'every final state', 300_000);
    const seconds = (performance.now() - began) / 1000;
    const edits = slack.callsOf('chat.update');
    const isLimited = ({ answer }: Call): boolean => 'error' in answer && answer.error === 'ratelimited';
    const refused = slack.calls.filter(isLimited);
    const refusedEdits = refused.filter(({ method }) => method === 'chat.update').length;
    const most = mostInAMinute(edits.filter(({ answer }) => 'ok' in answer && answer.ok === true));
    say(
      `20 diagnoses at once: ${finished(slack, channels)} final states after ${seconds.toFixed(1)} s, ${edits.length} edits, at most ${most} within a minute, ${refusedEdits} edits and ${refused.length - refusedEdits} posts told to wait`,
    );
    if (refusedEdits > 0) fail(`${refusedEdits} edits were over the rate`);
    if (most > EDITS_A_MINUTE) fail(`${most} edits within a minute; Slack takes ${EDITS_A_MINUTE}`);
  });
}

async function memory(runs: number): Promise<void> {
  const [users, channels] = [people(25), channelsOf(25)];
  const limits = { atOnce: 8, queue: 1000, perUser: 100, perHour: 10_000 };
  await withBot({ users, channels, isRecording: false }, { limits, speed: 60, pace: 0 }, async ({ slack, heap }) => {
    const heaps: { runs: number; heap: number }[] = [];
    for (let done = 0; done < runs; done += 25) {
      await Promise.all(
        users.map((user, index) => slack.command({ user, channel: `room${index}`, text: question(done + index) })),
      );
      await slack.until(() => finished(slack, channels) >= done + 25, `${done + 25} runs`, 300_000);
      if ((done + 25) % 100 === 0) heaps.push({ runs: done + 25, heap: await heap() });
    }
    const first = heaps[0]?.heap ?? Number.NaN;
    const last = heaps.at(-1)?.heap ?? Number.NaN;
    say(`memory: ${heaps.map((one) => `${(one.heap / 2 ** 20).toFixed(1)} MiB after ${one.runs} runs`).join(', ')}`);
    if (!(last < first * GROWTH)) fail(`the heap grew from ${first} to ${last} bytes`);
  });
}

await commandsAtOnce();
await diagnosesAtOnce();
await memory(Math.max(200, Number(values.runs)));
