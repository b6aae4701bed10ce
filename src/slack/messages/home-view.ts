/** The Home tab: what this person may ask about, open alarms, recent diagnoses and failures. */
import type { types } from '@slack/bolt';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { list, number } from '../../format/wording.ts';
import { verdictWords } from '../../render/verdict-words.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Mute } from '../../runs/mutes.ts';
import type { Run, Thread } from '../../runs/run.ts';
import type { SlackBlock } from './message.ts';
import { plainText } from './message-buttons.ts';
import { muteLine } from './mute-messages.ts';
import { sanitize } from './redact-text.ts';
import { firstLines, line, type MessagePart, prose, richText, type TextLine, truncate } from './rich-text.ts';
import { momentWords, sanitizeState, shortClock, windowWords } from './thread-state.ts';

const MAX_RECENT = 15;
const MAX_LINES = 30;

interface Home {
  /** Why this person must not ask; null if they may. */
  refusal: string | null;
  /** Load balancers that this person may ask about, by account and name. */
  accounts: { account: string; loadBalancers: readonly string[] }[];
  /** Open episodes, with the run whose thread shows them. */
  open: { run: Run; episode: Episode }[];
  /** Current mutes. */
  muted: readonly Mute[];
  recent: { run: Run; diagnosis: Diagnosis | null }[];
  /** Lookups that failed. */
  failures: readonly string[];
}

export function homeView({ refusal, accounts, open, muted, recent, failures }: Home): types.HomeView {
  const example = accounts.flatMap(({ loadBalancers }) => loadBalancers)[0] ?? 'my-alb';
  const blocks: SlackBlock[] =
    refusal !== null
      ? section('Access', [], sanitize(refusal))
      : [
          ...section('Ask', accounts.map(accountLine), 'No account is open to you.'),
          ...richText([line('In a channel, type ', { code: `/alb502 ${truncate(sanitize(example), 80)} last 15m` })]),
          ...(open.length === 0 ? [] : section('In alarm now', open.map(episodeLine), '')),
          ...(muted.length === 0 ? [] : section('Muted', muted.map(muteLine), '')),
          ...section('Your last diagnoses', firstLines(recent.map(recentLine), MAX_RECENT), 'None yet.'),
          ...(failures.length === 0 ? [] : section('Could not list', failures.map(proseOf), '')),
        ];
  const view: types.HomeView = { type: 'home', blocks: blocks as types.KnownBlock[] };
  return view;
}

const section = (title: string, lines: readonly TextLine[], none: string): SlackBlock[] => [
  { type: 'header', text: plainText(title) },
  ...richText(lines.length === 0 ? [line(none)] : [{ bullets: firstLines(lines, MAX_LINES) } satisfies MessagePart]),
];

const proseOf = (text: string): TextLine => prose(truncate(sanitize(text), 300));

const MAX_NAMES = 20;

function accountLine({ account, loadBalancers }: Home['accounts'][number]): TextLine {
  const names = loadBalancers.slice(0, MAX_NAMES).join(', ') || 'no load balancer is known';
  const more = loadBalancers.length > MAX_NAMES ? ` and ${number(loadBalancers.length - MAX_NAMES)} more` : '';
  return proseOf(account === 'default' ? `${names}${more}` : `${account}: ${names}${more}`);
}

/** Link to the thread; Slack finds the workspace from the reader. */
function threadUrl({ channel, root, parentTs }: Thread): string | null {
  if (root === null) return null;
  const within = parentTs === null ? '' : `?thread_ts=${parentTs}&cid=${channel}`;
  return `https://slack.com/archives/${channel}/p${root.replace('.', '')}${within}`;
}

/** The name of a load balancer, linked to its thread if there is one. */
function nameOf({ loadBalancer, thread }: Run): TextLine {
  const name = truncate(sanitize(loadBalancer.name), 80);
  const href = threadUrl(thread);
  return [href === null ? { bold: name } : { href, label: name }];
}

/** "shop-prod · shop-elb-5xx in ALARM since 02:44 UTC". */
function episodeLine({ run, episode }: Home['open'][number]): TextLine {
  const names = episode.alarms
    .filter(({ state }) => state === 'ALARM')
    .map(({ name }) => truncate(sanitize(name), 100));
  return [...nameOf(run), ` · ${list(names, 3)} in ALARM since ${momentWords(episode.openedAt, run.createdAt)}`];
}

/** "shop-prod · 02:40–02:55 UTC · keep-alive race (likely) · asked 2026-11-20 02:56 UTC". */
function recentLine({ run, diagnosis: raw }: Home['recent'][number]): TextLine {
  const { diagnosis } = sanitizeState({ run, diagnosis: raw, episode: null });
  const asked = `asked ${run.createdAt.slice(0, 10)} ${shortClock(run.createdAt)} UTC`;
  const window = windowWords(run.from, run.to, run.createdAt);
  return [...nameOf(run), ` · ${window} · ${outcomeWords(run, diagnosis)} · ${asked}`];
}

/** A thread that Slack rejected is not a failed diagnosis. */
function outcomeWords(run: Run, diagnosis: Diagnosis | null): string {
  if (run.state === 'failed')
    return run.thread.root === null ? 'not posted' : `no answer: ${truncate(sanitize(run.failure), 150)}`;
  if (run.state === 'interrupted') return 'interrupted';
  if (diagnosis === null) return run.state === 'queued' ? 'queued' : 'diagnosing…';
  return `${truncate(verdictWords(diagnosis), 150)}${run.state === 'provisional' ? ', provisional' : ''}`;
}
