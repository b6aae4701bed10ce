/** The forms and the home of the bot. */
import type { types } from '@slack/bolt';
import { causes } from '../../diagnose/causes/index.ts';
import { DEFAULT_WINDOW } from '../../query/parse-question.ts';
import type { Run } from '../../runs/run.ts';
import { INPUTS, VIEWS } from './actions.ts';
import type { Block } from './message.ts';
import { plain } from './message-buttons.ts';
import { shown } from './redact-text.ts';
import { cut, few, type Line, line, type Part, prose, richText } from './rich-text.ts';
import { shortClock, windowWords } from './thread-state.ts';

/** What Slack takes: letters of what is chosen, of its value, of an entered text. */
const MOST_LABEL = 75;
const MOST_VALUE = 150;
const MOST_INITIAL = 3000;

const input = (
  id: string,
  label: string,
  element: types.InputBlockElement,
  more: { hint?: string; optional?: boolean } = {},
): types.InputBlock => ({
  type: 'input',
  block_id: id,
  label: plain(label),
  element: { ...element, action_id: id },
  ...(more.hint === undefined ? {} : { hint: plain(more.hint) }),
  ...(more.optional === undefined ? {} : { optional: more.optional }),
});

const text = (initial: string | undefined, placeholder: string): types.PlainTextInput => {
  const entered = initial === undefined ? '' : shown(initial).slice(0, MOST_INITIAL);
  return {
    type: 'plain_text_input',
    placeholder: plain(placeholder),
    ...(entered === '' ? {} : { initial_value: entered }),
  };
};

/** Asks for load balancer, window, statuses, and the channel where that is not known. */
export function formView(options: {
  loadBalancer?: string;
  window?: string;
  statuses?: string;
  channel?: string;
}): types.ModalView {
  const { loadBalancer, window, statuses, channel } = options;
  return {
    type: 'modal',
    callback_id: VIEWS.form,
    private_metadata: JSON.stringify({ channel: channel ?? null, within: null }),
    title: plain('Diagnose'),
    submit: plain('Diagnose'),
    close: plain('Cancel'),
    blocks: [
      input(INPUTS.loadBalancer, 'Load balancer', loadBalancerSelect(loadBalancer)),
      input(INPUTS.window, 'Window, in UTC', text(window ?? `last ${DEFAULT_WINDOW / 60}m`, 'last 15m'), {
        hint: 'Such as "last 15m" or "from 02:40 to 02:55".',
      }),
      input(INPUTS.statuses, 'Statuses', text(statuses, '5xx'), {
        hint: 'Such as "502 504"; every 5xx if you name none.',
        optional: true,
      }),
      ...(channel === undefined
        ? [
            input(
              INPUTS.channel,
              'Channel',
              {
                type: 'conversations_select',
                placeholder: plain('Where the thread is to be'),
                default_to_current_conversation: true,
                filter: { include: ['public', 'private'], exclude_bot_users: true },
              },
              { hint: 'alb502 must be in it.' },
            ),
          ]
        : []),
    ],
  };
}

/** Those that are known, as typed; the one asked for is chosen already, if Slack can carry it. */
function loadBalancerSelect(initial: string | undefined): types.ExternalSelect {
  const chosen = initial === undefined ? '' : shown(initial.trim());
  return {
    type: 'external_select',
    min_query_length: 0,
    placeholder: plain('Type a part of its name'),
    ...(chosen === '' || chosen.length > MOST_VALUE
      ? {}
      : { initial_option: { text: plain(cut(nameIn(chosen), MOST_LABEL)), value: chosen } }),
  };
}

/** Of an ARN or app/name/id, the name. */
const nameIn = (id: string): string => /(?:^|\/)app\/([A-Za-z0-9-]+)\//.exec(id)?.[1] ?? id;

/** What was it then? One of the causes, or words. */
export const wrongView = (runId: string): types.ModalView => ({
  type: 'modal',
  callback_id: VIEWS.wrong,
  private_metadata: runId,
  title: plain('What was it?'),
  submit: plain('Send'),
  close: plain('Cancel'),
  blocks: [
    input(
      INPUTS.cause,
      'Actual cause',
      {
        type: 'static_select',
        placeholder: plain('If you know it'),
        options: [
          ...causes.map(({ id, title }) => ({ text: plain(cut(title, MOST_LABEL)), value: id })),
          { text: plain('Another one'), value: 'other' },
        ],
      },
      { optional: true },
    ),
    input(
      INPUTS.words,
      'In words',
      {
        type: 'plain_text_input',
        multiline: true,
        max_length: 2000,
        placeholder: plain('What showed it, what fixed it'),
      },
      { optional: true, hint: 'Kept with the evidence of this diagnosis, and shown in its thread.' },
    ),
  ],
});

const MOST_RECENT = 15;
const MOST_LINES = 30;

/** What was asked lately, what may be asked about, and whether all is well. */
export function homeView({
  recent,
  configured,
  health,
}: {
  recent: { run: Run; verdict: string | null }[];
  configured: string[];
  health: string[];
}): types.HomeView {
  const section = (title: string, lines: readonly Line[], none: string): Block[] => [
    { type: 'header', text: plain(title) },
    ...richText(lines.length === 0 ? [line(none)] : [{ bullets: lines } satisfies Part]),
  ];
  const told = (one: string): Line => prose(cut(shown(one), 300));
  const view: types.HomeView = {
    type: 'home',
    blocks: [
      ...section(
        'Recent diagnoses',
        few(recent.map(recentLine), MOST_RECENT),
        'None yet. Ask for one: /alb502 my-alb last 15m',
      ),
      ...section('What may be asked about', few(configured.map(told), MOST_LINES), 'Nothing is configured.'),
      ...section('Health', few(health.map(told), MOST_LINES), 'All is well.'),
    ] as types.KnownBlock[],
  };
  return view;
}

/** "2026-11-20 02:56 UTC · shop-prod · 02:40–02:55 UTC · final: Keep-alive race on target group api…". */
function recentLine({ run, verdict }: { run: Run; verdict: string | null }): Line {
  const asked = `${run.createdAt.slice(0, 10)} ${shortClock(run.createdAt)} UTC`;
  const said = verdict === null ? '' : `: ${cut(shown(verdict), 200)}`;
  return [
    { bold: cut(shown(run.loadBalancer.name), 80) },
    ` · ${windowWords(run.from, run.to, run.createdAt)} · ${run.state}${said} (asked ${asked})`,
  ];
}
