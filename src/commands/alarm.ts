/** `alb502 alarm < message.json`: handles one alarm message like the bot, or prints its diagnosis. */

import type { Alarm } from '../alarms/alarm-event.ts';
import { askedErrors } from '../alarms/asked-errors.ts';
import type { Config } from '../config.ts';
import type { Question } from '../evidence/question.ts';
import { escapeControls } from '../format/escape-control-characters.ts';
import { iso } from '../format/wording.ts';
import type { Investigator, LoadBalancerRef } from '../investigate/investigator.ts';
import { Problem } from '../problem.ts';
import { timeOfDay, windowSpan } from '../render/phrases.ts';
import type { DiagnoseOptions } from './diagnose-options.ts';
import { hasColour, render } from './output.ts';
import { printNotice } from './print-notice.ts';
import { readConfig } from './read-config.ts';

export interface AlarmOptions extends Pick<DiagnoseOptions, 'config' | 'json' | 'markdown'> {
  /** Prints the parsed alarm and the diagnosis; posts nothing. */
  dryRun?: true;
  /** Folders of recorded incidents to use instead of AWS. */
  recorded?: string[];
}

/** Milliseconds to reach Slack and the run store. */
const REACH_TIMEOUT_MS = 60_000;

/** Throws Problem: exit 1 for a message that is not understood, exit 2 when handling or a lookup fails. */
export async function alarm(options: AlarmOptions): Promise<void> {
  if (process.stdin.isTTY) throw new Problem('Pass a message on standard input: alb502 alarm < message.json.', 1);
  const body = await readBody(process.stdin);
  const { readMessage } = await import('../alarms/read-message.ts');
  const read = readMessage(body);
  if ('poison' in read) throw new Problem(`Could not understand the message: ${read.poison}.`, 1);
  if ('ignored' in read) throw new Problem(`Ignored: ${read.ignored}.`, 1);
  const { unrelatedReason } = await import('../alarms/alarm-event.ts');
  const other = unrelatedReason(read.alarm);
  if (other !== null) throw new Problem(`The alarm ${read.alarm.name} is not about a load balancer: ${other}.`, 1);
  const config = await readConfig(options.config);
  const investigator = await chooseInvestigator(config, options.recorded ?? []);
  const token = process.env.SLACK_BOT_TOKEN?.trim() ?? '';
  if (token === '' || options.dryRun) {
    if (!options.dryRun) printNotice('SLACK_BOT_TOKEN is not set, so nothing is posted.');
    await printDiagnosis(read.alarm, config, investigator, options);
  } else await postAlarm(body, config, investigator, token);
}

/** Bytes; no alarm message is larger. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

async function readBody(input: NodeJS.ReadableStream): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of input) {
    parts.push(Buffer.from(part));
    size += part.length;
    if (size > MAX_MESSAGE_BYTES)
      throw new Problem('The message is larger than 4 MiB, so it is not a CloudWatch alarm.', 1);
  }
  const body = Buffer.concat(parts).toString('utf8');
  if (body.trim() === '') throw new Problem('Standard input is empty. Try: alb502 alarm < message.json.', 1);
  return body;
}

async function chooseInvestigator(config: Config, recorded: readonly string[]): Promise<Investigator> {
  if (recorded.length > 0) {
    const { recordedInvestigator } = await import('../investigate/recorded.ts');
    return recordedInvestigator(recorded, { account: config.accounts[0]?.name ?? 'default' });
  }
  return (await import('../investigate/live.ts')).liveInvestigator(config);
}

/** Prints the parsed alarm and the diagnosis. */
async function printDiagnosis(
  alarm: Alarm,
  config: Config,
  investigator: Investigator,
  options: AlarmOptions,
): Promise<void> {
  const [{ liveLookup, resolveLoadBalancer }, { incidentWindow }, { channelFor, loadBalancerSubject }, { routingOf }] =
    await Promise.all([
      import('../alarms/affected-load-balancers.ts'),
      import('../query/incident-window.ts'),
      import('../alarms/alarm-routes.ts'),
      import('../alarms/alarms.ts'),
    ]);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once('SIGINT', interrupt);
  // stdout carries only the JSON or Markdown.
  const out = options.json || options.markdown ? process.stderr : process.stdout;
  const say = (line: string): void => void out.write(`${escapeControls(line)}\n`);
  try {
    const { signal } = interruption;
    const routing = routingOf(config);
    const affected = await liveLookup(config)(alarm, signal);
    const { name, kind, state, previousState, changedAt, reason } = alarm;
    const change = previousState === null ? state : `${previousState} → ${state}`;
    say(`Alarm ${name} (${kind}): ${change} at ${changedAt.slice(0, 10)} ${timeOfDay(changedAt)} UTC`);
    if (reason !== '') say(`  ${reason}`);
    for (const sentence of affected.sentences) say(`  ${sentence}`);
    if (affected.loadBalancers.length === 0 && affected.sentences.length > 0)
      throw new Problem('Could not tell which load balancer the alarm is for, so nothing was diagnosed.', 2);
    if (affected.loadBalancers.length === 0) say('Load balancer: the alarm names none, so nothing was diagnosed');
    for (const resource of affected.loadBalancers) {
      const lookup = { accounts: config.accounts, investigator, signal };
      const ref = await resolveLoadBalancer(resource, alarm, affected.owners[resource] ?? null, lookup);
      if ('sentence' in ref) throw new Problem(ref.sentence, 1);
      const now = Date.now();
      const heardAt = Date.parse(changedAt);
      const window = incidentWindow(affected.from, { now, heardAt, closedAt: state === 'ALARM' ? null : heardAt });
      const channel = channelFor(loadBalancerSubject(ref, name, routing), routing);
      say(`Load balancer ${ref.name} (${ref.region}, account ${ref.account})`);
      say(`Window ${windowSpan(iso(window.from), iso(window.to))}`);
      say(`Channel ${channel ?? 'none: no route fits, and alarms.defaultChannel is not set'}`);
      say('');
      process.stdout.write(
        await renderedDiagnosis(
          { loadBalancer: ref, ...window, now, ...askedErrors(alarm), isFromAlarm: true },
          investigator,
          options,
          signal,
        ),
      );
    }
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

async function renderedDiagnosis(
  question: Question<LoadBalancerRef>,
  investigator: Investigator,
  options: AlarmOptions,
  signal: AbortSignal,
): Promise<string> {
  const { openProgressDisplay } = await import('./terminal-progress.ts');
  const { listener, showAccessLogStatus, close } = await openProgressDisplay(process.stderr, hasColour(process.stderr));
  try {
    const { diagnosis } = await investigator.investigate(question, {
      signal,
      progress: listener,
      onAccessLogStatus: showAccessLogStatus,
    });
    return await render(diagnosis, options);
  } finally {
    close();
  }
}

/** Handles the message like the bot. Resolves when the first answer is posted. */
async function postAlarm(body: string, config: Config, investigator: Investigator, token: string): Promise<void> {
  const [
    { mentionsOf, openAlarmProcessor },
    { openLog },
    { openPoster },
    { openSlackThreads },
    { openLimits },
    { openRunStore },
    { openStore },
  ] = await Promise.all([
    import('../alarms/alarms.ts'),
    import('../slack/slack-log.ts'),
    import('../slack/delivery/post.ts'),
    import('../slack/thread/slack-threads.ts'),
    import('../runs/limits.ts'),
    import('../runs/runs.ts'),
    import('../runs/open-store.ts'),
  ]);
  const log = openLog('warn', { write: (line) => void process.stderr.write(line) });
  const store = await openStore(config);
  const { now = Date.now } = store;
  const runs = openRunStore(store, { retentionDays: config.runs.retentionDays, now });
  const slackApiUrl = process.env.ALB502_SLACK_API_URL;
  const poster = openPoster({ token, log, ...(slackApiUrl ? { clientOptions: { slackApiUrl } } : {}) });
  const owner = `by-hand-${process.pid}-${crypto.randomUUID()}`;
  const threads = openSlackThreads({
    runs,
    poster,
    investigator,
    limits: openLimits(config.limits),
    mentionOf: mentionsOf(config),
    episodeOf: async ({ askedBy }) => (askedBy.kind === 'alarm' ? alarms.episode(askedBy.episode) : null),
    owner,
    log,
    now,
  });
  const alarms = openAlarmProcessor({ config, store, runs, threads, poster, investigator, log, owner, now });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), REACH_TIMEOUT_MS);
  });
  const handled = await Promise.race([alarms.handle(body), late]);
  clearTimeout(timer);
  if (handled !== null) {
    await alarms.idle();
    while (threads.load().running + threads.load().waiting > 0)
      await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await Promise.all([alarms.stop(1000), threads.stop(handled === null ? 0 : REACH_TIMEOUT_MS)]);
  await poster.close();
  if (handled === null)
    throw new Problem(
      `Could not reach Slack or the run store within ${REACH_TIMEOUT_MS / 1000} s; the lines above say why.`,
      2,
    );
  const { outcome } = handled;
  if (outcome !== 'handled')
    throw new Problem(
      `The message could not be handled: ${handled.why.replace(/\.$/, '')}.`,
      outcome === 'failed' || outcome === 'again' ? 2 : 1,
    );
  const outcomeTexts = {
    opened: 'opened a thread',
    joined: 'added to the existing thread',
    repeated: 'counted as a repeat in the existing thread',
    reopened: 'reopened the existing thread',
    ended: 'closed in the existing thread',
    known: 'already handled',
    stale: 'ignored, because a newer state of this alarm is already recorded',
    quiet: 'nothing to close, because no alarm is in ALARM',
  };
  const words = [...new Set(handled.transition.map((learned) => outcomeTexts[learned]))];
  process.stdout.write(
    `${words.length === 0 ? 'The alarm names no load balancer; while it is in ALARM, the channel shows a note.' : `Done: ${words.join('; ')}.`}\n`,
  );
}
