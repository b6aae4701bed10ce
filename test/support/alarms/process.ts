/** The bot's part for alarms as a process: on a store in memory and a channel on paper, mortal at any call it makes, with a clock by hand. */
import { join } from 'node:path';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { AlarmLookup } from '../../../src/alarms/affected-load-balancers.ts';
import { type AlarmProcessor, openAlarmProcessor } from '../../../src/alarms/alarms.ts';
import type { FetchText } from '../../../src/alarms/sns.ts';
import { type Config, parseConfig } from '../../../src/config.ts';
import type { InvestigationResult, Investigator } from '../../../src/investigate/investigator.ts';
import { recordedInvestigator } from '../../../src/investigate/recorded.ts';
import { openLimits } from '../../../src/runs/limits.ts';
import { openRunStore, type RunStore } from '../../../src/runs/runs.ts';
import type { Store, StoredObject } from '../../../src/runs/store/store.ts';
import type { Poster } from '../../../src/slack/delivery/slack-poster.ts';
import { openSlackThreads, type SlackThreads } from '../../../src/slack/thread/slack-threads.ts';

const SCENARIOS = join(import.meta.dirname, '../../scenarios');

/** Objects in memory, written on condition. */
export function memoryStore(): Store & { objects: Map<string, StoredObject> } {
  const objects = new Map<string, StoredObject>();
  let versions = 0;
  return {
    objects,
    read: async (key) => objects.get(key) ?? null,
    async write(key, body, expected) {
      const there = objects.get(key);
      if (expected === 'absent' && there !== undefined) return null;
      if (typeof expected === 'object' && there?.version !== expected.version) return null;
      versions += 1;
      objects.set(key, { body, version: String(versions) });
      return String(versions);
    },
    list: async (prefix, after = '') =>
      [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort(),
    async remove(key) {
      objects.delete(key);
    },
  };
}

/** Answers every question at once with what is recorded of one incident. */
export async function instantInvestigator(
  scenario = '001-keep-alive-race-beside-worker-timeout',
): Promise<Investigator & { asked: { from: number; to: number }[] }> {
  const recorded = await recordedInvestigator([join(SCENARIOS, scenario)]);
  const [ref] = recorded.listLoadBalancers();
  if (ref === undefined) throw new Error('nothing is recorded');
  const inquiry = recorded.resolveQuestion(
    { loadBalancer: ref.name, window: null, zone: null, statuses: ['5xx'] },
    ref,
  );
  const known: InvestigationResult = await recorded.investigate(inquiry, { signal: new AbortController().signal });
  const asked: { from: number; to: number }[] = [];
  return {
    ...recorded,
    asked,
    listLoadBalancers: () => [],
    async investigate({ from, to, loadBalancer: { name, arn } }) {
      asked.push({ from, to });
      const window = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      return {
        ...known,
        question: { ...known.question, loadBalancer: { name, arn } },
        diagnosis: { ...known.diagnosis, loadBalancer: { name, arn }, window, provisional: false },
      };
    },
  };
}

/** Time by hand: it moves when it is set, and on to when the next sleeper wakes. */
export interface TestClock {
  /** Epoch milliseconds. */
  at: number;
  sleep(milliseconds: number): Promise<void>;
}

export function clockAt(at: number): TestClock {
  const sleepers: { at: number; wake(): void }[] = [];
  let isMoving = false;
  const clock: TestClock = {
    at,
    sleep(milliseconds) {
      return new Promise((resolve) => {
        sleepers.push({ at: clock.at + milliseconds, wake: resolve });
        if (!isMoving) void move();
      });
    },
  };
  async function move(): Promise<void> {
    isMoving = true;
    while (sleepers.length > 0) {
      // What is being done meanwhile takes no time.
      await pause(2);
      sleepers.sort((a, b) => a.at - b.at);
      const next = sleepers.shift();
      clock.at = Math.max(clock.at, next?.at ?? 0);
      next?.wake();
    }
    isMoving = false;
  }
  return clock;
}

interface CapturedLog {
  level: 'info' | 'warn' | 'error';
  fields: Record<string, unknown>;
  text: string;
}

export interface ProcessParts {
  store: Store;
  poster: Poster;
  investigator: Investigator;
  clock: TestClock;
  owner: string;
  alarms?: Record<string, unknown>;
  accounts?: unknown[];
  /** The call it dies at, counted from one; before it is made, or when it was made and its answer does not come any more. */
  diesAt?: { call: number; when: 'before' | 'after' };
  lookup?: AlarmLookup;
  mostThreads?: number;
  fetchText?: FetchText;
}

export interface Process {
  alarms: AlarmProcessor;
  threads: SlackThreads;
  runs: RunStore;
  config: Config;
  logged: CapturedLog[];
  /** Calls of the store, of Slack and of AWS so far. */
  calls(): number;
  /** Resolves when it dies. */
  died: Promise<'died'>;
  /** Until neither alarms nor threads do anything. */
  idle(): Promise<void>;
}

export const ALARMS = { defaultChannel: 'C0DEFAULT', routes: [{ loadBalancer: 'shop*', channel: 'C0SHOP' }] };

export function startProcess(parts: ProcessParts): Process {
  const { clock, owner, diesAt } = parts;
  const { promise: died, resolve: die } = Promise.withResolvers<'died'>();
  let calls = 0;
  let isDead = false;
  const never = new Promise<never>(() => {});

  /** Every call of what is asynchronous in it counts. */
  function mortal<T extends object>(whole: T, sync: readonly string[] = []): T {
    return new Proxy(whole, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function' || sync.includes(String(name))) return member;
        return async (...given: unknown[]): Promise<unknown> => {
          if (isDead) return never;
          calls += 1;
          const isLast = calls === diesAt?.call;
          if (isLast) {
            isDead = true;
            die('died');
          }
          if (isLast && diesAt?.when === 'before') return never;
          const answer: unknown = await Reflect.apply(member, target, given);
          // Work that was running when it died is finished, and no one sees the result.
          return isDead ? never : answer;
        };
      },
    });
  }

  const store = mortal(parts.store);
  const poster = mortal(parts.poster, ['progress', 'messages']);
  const investigator = mortal(parts.investigator, ['listLoadBalancers', 'resolveQuestion', 'asked']);
  const now = () => clock.at;
  const sleep = async (milliseconds: number): Promise<void> => {
    if (isDead) return never;
    await clock.sleep(milliseconds);
  };
  const logged: CapturedLog[] = [];
  const log = Object.fromEntries(
    (['info', 'warn', 'error'] as const).map((level) => [
      level,
      (fields: Record<string, unknown>, text: string) => void logged.push({ level, fields, text }),
    ]),
  ) as unknown as Pick<import('pino').Logger, 'info' | 'warn' | 'error'>;
  const config = parseConfig(
    { alarms: parts.alarms ?? ALARMS, ...(parts.accounts ? { accounts: parts.accounts } : {}) },
    {},
    'test',
  );
  const runs = openRunStore(store, { retentionDays: 30, now });
  const episodes: { of: AlarmProcessor | null } = { of: null };
  const threads = openSlackThreads({
    runs,
    poster,
    investigator,
    limits: openLimits({ atOnce: 4, perUser: 5, perHour: 50, queue: 5 }, now),
    episodeOf: async ({ askedBy }) =>
      askedBy.kind === 'alarm' ? ((await episodes.of?.episode(askedBy.episode)) ?? null) : null,
    owner,
    now,
    log,
  });
  const alarms = openAlarmProcessor({
    config,
    store,
    runs,
    threads,
    poster,
    investigator,
    log,
    owner,
    now,
    sleep,
    ...(parts.lookup ? { lookup: parts.lookup } : {}),
    ...(parts.fetchText ? { fetchText: parts.fetchText } : {}),
    ...(parts.mostThreads === undefined ? {} : { mostThreads: parts.mostThreads }),
  });
  episodes.of = alarms;
  return {
    alarms,
    threads,
    runs,
    config,
    logged,
    calls: () => calls,
    died,
    async idle() {
      for (let quiet = 0; quiet < 3 && !isDead; ) {
        await alarms.idle();
        const { running, waiting } = threads.load();
        const before = calls;
        await turn();
        await turn();
        quiet = running + waiting === 0 && calls === before ? quiet + 1 : 0;
      }
    },
  };
}
