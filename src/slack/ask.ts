/** Turns a question into a thread; shared by every way of asking in Slack. */

import { AmbiguousName } from '../collect/find-load-balancer.ts';
import type { Question, Window } from '../evidence/question.ts';
import { list } from '../format/wording.ts';
import type { LoadBalancerRef } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { isLoadBalancerName } from '../query/load-balancer-word.ts';
import { type ParsedQuestion, parseQuestion } from '../query/parse-question.ts';
import { windowReading } from '../query/window.ts';
import type { Run } from '../runs/run.ts';
import { alertSubject, listed, type SubjectContext, subjectOfAlarm } from './alert-subject.ts';
import type { Decision, Requester } from './authorization.ts';
import { RESTARTING, SOMETHING_BROKE } from './messages/index.ts';
import { isAlert } from './pasted-alert.ts';
import type { SlackContext } from './slack-context.ts';
import { standingThreads } from './standing-threads.ts';
import type { OpenResult } from './thread/open.ts';

interface QuestionRequest {
  who: Requester & { channel: string };
  query: ParsedQuestion & { loadBalancer: string };
  /** ts of the thread in which it is asked. */
  within: string | null;
  /** Asked by configuration, not by a person: every account of the channel is allowed. */
  isTrusted?: boolean;
}

/**
 * `thread`: it is open; the reply adds `note`, and `alarm` has a thread about the same load balancer. `same`: this run
 * already answers the question for `window`. `problem`: the sentence to show, and the part of the question it concerns.
 */
export type AskOutcome =
  | { thread: Run; note: string | null; alarm: Run | null }
  | { same: Run; window: Window }
  | QuestionRejection;
export interface QuestionRejection {
  problem: string;
  about: 'who' | 'loadBalancer' | 'window' | 'channel' | 'bot';
}

/** The accounts that any allowed person may ask about in a channel. */
const openAccounts = ({ config }: Pick<SlackContext, 'config'>, channel: string | null): Decision => ({
  accounts: config.accounts.flatMap(({ name, channels }) =>
    channels === undefined || (channel !== null && channels.includes(channel)) ? [name] : [],
  ),
});

/** The names of load balancers that a person may ask about. */
export const namesOpenTo = async (
  context: Pick<SlackContext, 'authorize' | 'investigator'>,
  who: Requester,
): Promise<string[]> => namesIn(context, await accountsOpenTo(context, who));

async function accountsOpenTo(
  { authorize }: Pick<SlackContext, 'authorize'>,
  who: Requester,
): Promise<readonly string[]> {
  const decision = await authorize(who);
  return 'accounts' in decision ? decision.accounts : [];
}

const namesIn = (context: Pick<SlackContext, 'investigator'>, accounts: readonly string[]): string[] =>
  listed(context, accounts).map(({ name }) => name);

/** Reads a question against the known load balancer names; returns the sentence to show if it cannot be read. */
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

/**
 * Reads text typed in a channel: a question, or a pasted alert, which asks about the last minutes. Returns the sentence
 * to show if it cannot be read.
 */
export async function readTyped(
  context: SubjectContext & Pick<SlackContext, 'authorize'>,
  words: string,
  who: QuestionRequest['who'],
): Promise<{ query: ParsedQuestion } | { problem: string }> {
  const accounts = await accountsOpenTo(context, who);
  const parsed = tryParseQuery(words, namesIn(context, accounts));
  if ('query' in parsed || !isAlert(words)) return parsed;
  // AWS is not asked about an alarm for people without access.
  const subject = accounts.length === 0 ? null : await alertSubject(context, words, accounts);
  if (subject === null) return parsed;
  if ('loadBalancer' in subject)
    return { query: { loadBalancer: subject.loadBalancer, window: null, zone: null, statuses: null } };
  const [first = '', second = ''] = subject.candidates;
  return {
    problem: `The alert names ${list(subject.candidates)}. Pick one. Try: ${first} last 15m, or ${second} last 15m.`,
  };
}

/** Asks, if allowed. Never throws: failures are logged and returned as a sentence. */
export async function ask(context: SlackContext, request: QuestionRequest): Promise<AskOutcome> {
  const { log } = context;
  const { who } = request;
  const about = { user: who.user, channel: who.channel };
  try {
    const decision = request.isTrusted ? openAccounts(context, who.channel) : await context.authorize(who);
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
    return { problem: SOMETHING_BROKE, about: 'bot' };
  }
}

async function openThreadFor(
  context: SlackContext,
  { who, query: typed, within, isTrusted = false }: QuestionRequest,
  accounts: readonly string[],
): Promise<AskOutcome> {
  const { investigator, config, threads } = context;
  // Twice the time of one call: a role may have to be assumed first.
  const timeout = AbortSignal.timeout(2000 * config.deadlines.evidenceSeconds);
  const signal = AbortSignal.any([context.signal, timeout]);
  let question: Question<LoadBalancerRef>;
  const query = { ...typed, zone: typed.zone ?? (await context.zoneOf(who.user)) };
  let about: 'loadBalancer' | 'window' = 'loadBalancer';
  try {
    const foundLoadBalancer = await findOrAlarm(context, query.loadBalancer, accounts, signal);
    about = 'window';
    question = investigator.resolveQuestion(query, foundLoadBalancer);
  } catch (error) {
    if (context.signal.aborted) return { problem: RESTARTING, about: 'bot' };
    if (timeout.aborted) return { problem: 'AWS did not answer in time. Ask again in a minute.', about: 'bot' };
    if (error instanceof Problem) return { problem: error.message, about };
    throw error;
  }
  const standing = await standingThreads(context, question, { channel: who.channel, parentTs: within });
  if (standing.same !== null) return { same: standing.same, window: question };
  const openResult = await threads.open({
    askedBy: { kind: isTrusted ? 'alert' : 'person', user: who.user, team: who.teams[0] ?? '' },
    question,
    channel: who.channel,
    parentTs: within,
    // A watched alert has no asker.
    timeZone: isTrusted ? undefined : query.zone,
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

/** Finds a load balancer by its name or, if it fits none, by the alarm of that name. */
async function findOrAlarm(
  context: SlackContext,
  name: string,
  accounts: readonly string[],
  signal: AbortSignal,
): Promise<LoadBalancerRef> {
  try {
    return await context.investigator.find(name, accounts, signal);
  } catch (error) {
    if (!(error instanceof Problem) || error instanceof AmbiguousName || !isLoadBalancerName(name)) throw error;
    const subject = await subjectOfAlarm(context, { alarm: name, region: null }, accounts);
    if (subject === null || !('loadBalancer' in subject)) throw error;
    return await context.investigator.find(subject.loadBalancer, accounts, signal);
  }
}

/** The sentence that says why no thread was opened. */
export function rejection(
  { bot }: SlackContext,
  openResult: Extract<OpenResult, { refused: string }>,
  channel: string,
): QuestionRejection {
  if (openResult.refusal?.refused === 'not-in-channel')
    return { problem: howToInvite(bot.name, channel), about: 'channel' };
  return { problem: openResult.refused, about: openResult.refusal?.refused === 'gone' ? 'channel' : 'bot' };
}

/** No one can be invited into a direct message. */
const howToInvite = (name: string, channel: string): string =>
  channel.startsWith('D')
    ? `alb502 cannot post in this conversation. Ask in a channel it is in, or in a direct message to @${name}.`
    : `alb502 is not in this channel. Type /invite @${name} here, then ask again.`;
