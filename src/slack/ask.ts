/** From a question to a thread: what every way of asking in Slack has in common. */
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Inquiry, Investigator } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { dayMeant, parseQuery, type Query } from '../query/parse-question.ts';
import type { Run } from '../runs/run.ts';
import type { Runs } from '../runs/runs.ts';
import type { Allowed, Who } from './authorization.ts';
import type { Seen } from './dedupe.ts';
import type { Opened, Threads } from './thread/open.ts';

/** What answers in Slack are made with. */
export interface Desk {
  config: Config;
  investigator: Investigator;
  threads: Threads;
  runs: Runs;
  allowed: Allowed;
  /** For what somebody waits for: few retries. */
  slack: WebClient;
  /** The bot itself: its id, and its name as people mention it. */
  bot: { user: string; name: string };
  log: Logger;
  /** Epoch milliseconds. */
  now(): number;
  /** Presses that came already. */
  presses: Seen;
  /** Aborted when the bot stops. */
  signal: AbortSignal;
}

export interface Asking {
  who: Who & { channel: string };
  query: Query & { loadBalancer: string };
  /** The first message of the thread it is asked in. */
  within: string | null;
}

/**
 * `thread`: it stands, and `note` is to be said besides. `same`: this run answers just that. `problem`: the sentence to show, and what of
 * the question it is about.
 */
export type Outcome = { thread: Run; note: string | null } | { same: Run } | Refused;
export interface Refused {
  problem: string;
  about: 'who' | 'loadBalancer' | 'window' | 'channel' | 'bot';
}

/** Reads a question; what is wrong with it as the sentence to show. */
export function readQuery(words: string): { query: Query } | { problem: string } {
  try {
    return { query: parseQuery(words) };
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message };
    throw error;
  }
}

/** Asks, if that is allowed. Never throws: what broke is logged, and a sentence. */
export async function ask(desk: Desk, asking: Asking): Promise<Outcome> {
  const { log } = desk;
  const { who } = asking;
  const about = { user: who.user, channel: who.channel };
  try {
    const decision = await desk.allowed(who);
    if ('refused' in decision) {
      log.info(about, 'refused to ask');
      return { problem: decision.refused, about: 'who' };
    }
    const outcome = await asked(desk, asking, decision.accounts);
    if ('thread' in outcome) log.info({ ...about, run: outcome.thread.id }, 'asked');
    if ('same' in outcome) log.info({ ...about, run: outcome.same.id }, 'asked what is answered');
    return outcome;
  } catch (error) {
    log.error({ ...about, err: error }, 'could not ask');
    return { problem: 'Something broke; the log of alb502 says what. Ask again in a minute.', about: 'bot' };
  }
}

async function asked(desk: Desk, { who, query, within }: Asking, accounts: readonly string[]): Promise<Outcome> {
  const { investigator, config, threads } = desk;
  // Twice what one look takes: a role may have to be assumed first.
  const patience = AbortSignal.timeout(2000 * config.deadlines.evidenceSeconds);
  const signal = AbortSignal.any([desk.signal, patience]);
  let inquiry: Inquiry;
  let about: 'loadBalancer' | 'window' = 'loadBalancer';
  try {
    const found = await investigator.find(query.loadBalancer, accounts, signal);
    about = 'window';
    inquiry = investigator.inquire(query, found);
  } catch (error) {
    if (desk.signal.aborted) return { problem: 'alb502 is being restarted; ask again in a minute.', about: 'bot' };
    if (patience.aborted) return { problem: 'AWS did not answer in time; ask again in a minute.', about: 'bot' };
    if (error instanceof Problem) return { problem: error.message, about };
    throw error;
  }
  const opened = await threads.open({
    askedBy: { kind: 'person', user: who.user, team: who.teams[0] ?? '' },
    inquiry,
    channel: who.channel,
    within,
  });
  return outcomeOf(desk, opened, who.channel, dayMeant(query, inquiry, inquiry.now));
}

function outcomeOf({ bot }: Desk, opened: Opened, channel: string, note: string | null): Outcome {
  if ('opened' in opened) return { thread: opened.opened, note };
  if ('same' in opened) return { same: opened.same };
  if (opened.refusal?.refused === 'not-in-channel')
    return { problem: howToInvite(bot.name, channel), about: 'channel' };
  if (opened.refusal?.refused === 'gone')
    return { problem: 'Nothing can be posted in this channel any more.', about: 'channel' };
  return { problem: opened.refused, about: 'bot' };
}

/** People cannot invite anybody into a conversation of two. */
const howToInvite = (name: string, channel: string): string =>
  channel.startsWith('D')
    ? `alb502 cannot write in this conversation: ask in a channel that it is in, or in your own conversation with @${name}.`
    : `alb502 is not in this channel: type /invite @${name} in it, then ask again.`;
