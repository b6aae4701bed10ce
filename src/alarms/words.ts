/** What alarms say in Slack beside their threads. Pure. */
import type { Diagnosis } from '../diagnosis.ts';
import { clock, moment } from '../render/phrases.ts';
import { escapeMrkdwn, type Message } from '../render/slack/message.ts';
import type { Run } from '../runs/run.ts';
import { list, plural } from '../wording.ts';
import type { Alarm } from './alarm.ts';
import type { Episode } from './episode.ts';
import type { ChannelState } from './storm.ts';

const SHOWN = 15;

/** A plain message of lines, escaped by whoever made them. */
function lines(all: readonly string[]): Message {
  const text = all.join('\n').slice(0, 3000);
  return { text, blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }] };
}

/** Sentences below a thread; texts from outside in them are escaped. */
export const sentencesMessage = (sentences: readonly string[]): Message => lines(sentences.map(escapeMrkdwn));

/** The one note of a storm. */
export function stormMessage({ count, later, waiting, since }: NonNullable<ChannelState['note']>): Message {
  const clock = `${since.slice(11, 19)} UTC`;
  const names = waiting
    .slice(0, SHOWN)
    .map(({ loadBalancer, alarm }) => `• ${escapeMrkdwn(loadBalancer)}: ${escapeMrkdwn(alarm)}`);
  const more = waiting.length - names.length;
  return lines([
    `*${count} more ${count === 1 ? 'load balancer' : 'load balancers'} in ALARM since ${clock}*, beyond the threads above.`,
    waiting.length === 0
      ? 'All have got their threads since, or are over.'
      : `${waiting.length} without a thread; each gets one when there is room in this channel and it is still in ALARM.${later > 0 ? ` ${later} got theirs since.` : ''}`,
    ...names,
    ...(more > 0 ? [`and ${more} more; alb502 diagnose <load-balancer> asks about one at once.`] : []),
  ]);
}

/** The end of an episode, and what is known of it by then. */
export interface Closing {
  episode: Episode;
  run: Run | null;
  diagnosis: Diagnosis | null;
}

/** The reply when all alarms are well again: how long, how many errors, and the verdict by now. */
export function closedMessage({ episode, run, diagnosis }: Closing): Message {
  const { openedAt, closedAt, alarms } = episode;
  const end = closedAt ?? openedAt;
  const names = list(alarms.map(({ name }) => escapeMrkdwn(name)));
  const isOk = alarms.every(({ state }) => state === 'OK');
  return lines([
    `*${isOk ? 'OK' : 'Not in ALARM'} since ${clock(end)} UTC*, after ${lasted(openedAt, end)}: ${names}.`,
    ...errorsLine(diagnosis, openedAt, end),
    ...(diagnosis === null
      ? [escapeMrkdwn(run?.failure ?? 'There is no verdict yet.')]
      : [escapeMrkdwn(diagnosis.verdict.summary)]),
    ...(diagnosis?.provisional
      ? ['Logs of the last minutes still arrive; the headline says when the verdict is final.']
      : []),
  ]);
}

/** Errors of the whole episode, where the window of the diagnosis covers it; of the part it covers else. */
function errorsLine(diagnosis: Diagnosis | null, openedAt: string, closedAt: string): string[] {
  if (diagnosis === null) return [];
  const { triage, completeness, window } = diagnosis;
  // While logs arrive, CloudWatch has counted more.
  const errors = Math.max(triage.errors ?? -1, completeness.errorsInMetrics ?? -1);
  if (errors < 0) return [];
  const isWhole = window.from <= openedAt && window.to >= closedAt;
  const span = `${clock(window.from)} to ${moment(window.to, window.from)} UTC`;
  return [`${isWhole ? '' : 'At least '}${plural(errors, 'error')} in total, ${span}.`];
}

/** "14 min 4 s": to the second below an hour, to the minute from there. */
export function lasted(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** The short note about an alarm that names no load balancer: what was understood. */
export function unknownMessage(alarm: Alarm, sentences: readonly string[]): Message {
  const { name, state, changedAt, region, account, metrics, reason } = alarm;
  const named = metrics.flatMap(({ namespace, name: metric, expression }) =>
    metric !== null ? `${namespace ?? ''} ${metric}`.trim() : (expression ?? []),
  );
  const place = [region, account].filter((part) => part !== null).join(', account ');
  return lines([
    `*${escapeMrkdwn(name)}* is in ${state} since ${clock(changedAt)} UTC${place === '' ? '' : ` (${place})`}, and names no load balancer, so nothing was diagnosed.`,
    ...(named.length > 0 ? [`It watches ${escapeMrkdwn(list(named))}.`] : []),
    ...(reason === '' ? [] : [escapeMrkdwn(reason.slice(0, 300))]),
    ...sentences.map(escapeMrkdwn),
  ]);
}
