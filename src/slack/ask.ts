/** From a question to a thread: what every way of asking in Slack has in common. */
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Window } from '../evidence/evidence.ts';
import type { Investigator, LocatedQuestion } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { type ParsedQuestion, parseQuestion } from '../query/parse-question.ts';
import { windowReading } from '../query/window.ts';
import type { Episode } from '../runs/episode.ts';
import type { Run } from '../runs/run.ts';
import type { RunStore } from '../runs/runs.ts';
import type { Authorize, Requester } from './authorization.ts';
import type { Deduplicator } from './dedupe.ts';
import { standingThreads } from './standing-threads.ts';
import type { OpenResult } from './thread/open.ts';
import type { SlackThreads } from './thread/slack-threads.ts';

/** What answers in Slack are made with. */
export interface SlackContext {
  config: Config;
  investigator: Investigator;
  threads: SlackThreads;
  runs: RunStore;
  authorize: Authorize;
  /** The episode whose thread this is; null for that of a person. */
  episodeOf(run: Run): Promise<Episode | null>;
  /** The time zone of a person, as Intl takes it: that of their profile, else that of the configuration. */
  zoneOf(user: string): Promise<string>;
  /** For what somebody waits for: few retries. */
  slack: WebClient;
  /** The bot itself: its id, and its name as people mention it. */
  bot: { user: string; name: string };
  log: Logger;
  /** Epoch milliseconds. */
  now(): number;
  /** Presses that came already. */
  presses: Deduplicator;
  /** Aborted when the bot stops. */
  signal: AbortSignal;
}

export interface QuestionRequest {
  who: Requester & { channel: string };
  query: ParsedQuestion & { loadBalancer: string };
  /** The first message of the thread it is asked in. */
  within: string | null;
}

/**
 * `thread`: it stands; `note` is to be said besides, and `alarm` has a thread about the same load balancer. `same`: this run answers just
 * that, `window` is the one asked for. `problem`: the sentence to show, and what of the question it is about.
 */
export type AskOutcome =
  | { thread: Run; note: string | null; alarm: Run | null }
  | { same: Run; window: Window }
  | QuestionRejection;
export interface QuestionRejection {
  problem: string;
  about: 'who' | 'loadBalancer' | 'window' | 'channel' | 'bot';
}

/** The names of load balancers that any allowed person may ask about in a channel; null for a channel that is not known yet. */
export function namesOpenTo({ investigator, config }: SlackContext, channel: string | null): string[] {
  const open = config.accounts.filter(
    ({ channels }) => channels === undefined || (channel !== null && channels.includes(channel)),
  );
  const accounts = new Set(open.map(({ name }) => name));
  return investigator.listLoadBalancers().flatMap(({ name, account }) => (accounts.has(account) ? [name] : []));
}

/** Reads a question, where there are load balancers of these names; what is wrong with it as the sentence to show. */
export function tryParseQuery(
  words: string,
  known: readonly string[] = [],
): { query: ParsedQuestion } | { problem: string } {
  try {
    return { query: parseQuestion(words, known) };
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message };
    throw error;
  }
}

/** Asks, if that is allowed. Never throws: what broke is logged, and a sentence. */
export async function ask(context: SlackContext, request: QuestionRequest): Promise<AskOutcome> {
  const { log } = context;
  const { who } = request;
  const about = { user: who.user, channel: who.channel };
  try {
    const decision = await context.authorize(who);
    if ('refused' in decision) {
      log.info(about, 'refused to ask');
      return { problem: decision.refused, about: 'who' };
    }
    const outcome = await openThreadFor(context, request, decision.accounts);
    if ('thread' in outcome) log.info({ ...about, run: outcome.thread.id }, 'asked');
    if ('same' in outcome) log.info({ ...about, run: outcome.same.id }, 'asked what is answered');
    return outcome;
  } catch (error) {
    log.error({ ...about, err: error }, 'could not ask');
    return { problem: 'Something broke; the log of alb502 says what. Ask again in a minute.', about: 'bot' };
  }
}

async function openThreadFor(
  context: SlackContext,
  { who, query: typed, within }: QuestionRequest,
  accounts: readonly string[],
): Promise<AskOutcome> {
  const { investigator, config, threads } = context;
  // Twice what one look takes: a role may have to be assumed first.
  const timeout = AbortSignal.timeout(2000 * config.deadlines.evidenceSeconds);
  const signal = AbortSignal.any([context.signal, timeout]);
  let question: LocatedQuestion;
  const query = { ...typed, zone: typed.zone ?? (await context.zoneOf(who.user)) };
  let about: 'loadBalancer' | 'window' = 'loadBalancer';
  try {
    const foundLoadBalancer = await investigator.find(query.loadBalancer, accounts, signal);
    about = 'window';
    question = investigator.resolveQuestion(query, foundLoadBalancer);
  } catch (error) {
    if (context.signal.aborted) return { problem: 'alb502 is being restarted; ask again in a minute.', about: 'bot' };
    if (timeout.aborted) return { problem: 'AWS did not answer in time; ask again in a minute.', about: 'bot' };
    if (error instanceof Problem) return { problem: error.message, about };
    throw error;
  }
  const standing = await standingThreads(context, question, { channel: who.channel, parentTs: within });
  if (standing.same !== null) return { same: standing.same, window: question };
  const openResult = await threads.open({
    askedBy: { kind: 'person', user: who.user, team: who.teams[0] ?? '' },
    question,
    channel: who.channel,
    parentTs: within,
  });
  if ('opened' in openResult)
    return {
      thread: openResult.opened,
      note: windowReading(query, question, question.now),
      alarm: standing.alarm,
    };
  if ('same' in openResult) return { same: openResult.same, window: question };
  return rejection(context, openResult, who.channel);
}

/** Why no thread was opened. */
export function rejection(
  { bot }: SlackContext,
  openResult: Extract<OpenResult, { refused: string }>,
  channel: string,
): QuestionRejection {
  if (openResult.refusal?.refused === 'not-in-channel')
    return { problem: howToInvite(bot.name, channel), about: 'channel' };
  if (openResult.refusal?.refused === 'gone')
    return { problem: 'Nothing can be posted in this channel any more.', about: 'channel' };
  return { problem: openResult.refused, about: 'bot' };
}

/** People cannot invite anybody into a conversation of two. */
const howToInvite = (name: string, channel: string): string =>
  channel.startsWith('D')
    ? `alb502 cannot write in this conversation: ask in a channel that it is in, or in your own conversation with @${name}.`
    : `alb502 is not in this channel: type /invite @${name} in it, then ask again.`;
