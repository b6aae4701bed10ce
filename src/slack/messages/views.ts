/** The forms of the bot. */
import type { types } from '@slack/bolt';
import { causes } from '../../diagnose/causes/index.ts';
import { DEFAULT_WINDOW } from '../../query/window.ts';
import { INPUTS, VIEWS } from './actions.ts';
import { plainText } from './message-buttons.ts';
import { sanitize } from './redact-text.ts';
import { truncate } from './rich-text.ts';

/** Slack's limits in characters: option text, option value, input text. */
const MAX_LABEL = 75;
const MAX_VALUE = 150;
const MAX_INITIAL = 3000;

const inputBlock = (
  id: string,
  label: string,
  element: types.InputBlockElement,
  more: { hint?: string; optional?: boolean } = {},
): types.InputBlock => ({
  type: 'input',
  block_id: id,
  label: plainText(label),
  element: { ...element, action_id: id },
  ...(more.hint === undefined ? {} : { hint: plainText(more.hint) }),
  ...(more.optional === undefined ? {} : { optional: more.optional }),
});

const textInput = (initial: string | undefined, placeholder: string): types.PlainTextInput => {
  const entered = initial === undefined ? '' : sanitize(initial).slice(0, MAX_INITIAL);
  return {
    type: 'plain_text_input',
    placeholder: plainText(placeholder),
    ...(entered === '' ? {} : { initial_value: entered }),
  };
};

/** Form for load balancer, window and statuses, and the channel if unknown. */
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
    title: plainText('Diagnose'),
    submit: plainText('Diagnose'),
    close: plainText('Cancel'),
    blocks: [
      inputBlock(INPUTS.loadBalancer, 'Load balancer', loadBalancerSelect(loadBalancer)),
      inputBlock(INPUTS.window, 'Window', textInput(window ?? `last ${DEFAULT_WINDOW / 60_000}m`, 'last 15m'), {
        hint: 'For example: last 15m, 02:40-02:55, 14:40 CET. Times are in your own time zone if Slack shares it, else in UTC.',
      }),
      inputBlock(INPUTS.statuses, 'Statuses', textInput(statuses, '5xx'), {
        hint: 'For example: 502 504. Default: every 5xx the load balancer sent, and 502 to 504 from its targets.',
        optional: true,
      }),
      ...(channel === undefined
        ? [
            inputBlock(
              INPUTS.channel,
              'Channel',
              {
                type: 'conversations_select',
                placeholder: plainText('Channel for the thread'),
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

/** Select of known load balancers, with the given one preselected if it fits Slack's limits. */
function loadBalancerSelect(initial: string | undefined): types.ExternalSelect {
  const preselected = initial === undefined ? '' : sanitize(initial.trim());
  return {
    type: 'external_select',
    min_query_length: 0,
    placeholder: plainText('Type a part of its name'),
    ...(preselected === '' || preselected.length > MAX_VALUE
      ? {}
      : { initial_option: { text: plainText(truncate(nameFromId(preselected), MAX_LABEL)), value: preselected } }),
  };
}

/** The name in an ARN or app/name/id. */
const nameFromId = (id: string): string => /(?:^|\/)app\/([A-Za-z0-9-]+)\//.exec(id)?.[1] ?? id;

/** Form for the right cause or a comment. `subject`: value that Slack returns with the answer. */
export const wrongVerdictView = (subject: string): types.ModalView => ({
  type: 'modal',
  callback_id: VIEWS.wrong,
  private_metadata: subject,
  title: plainText('What was it?'),
  submit: plainText('Send'),
  close: plainText('Cancel'),
  blocks: [
    inputBlock(
      INPUTS.cause,
      'Actual cause',
      {
        type: 'static_select',
        placeholder: plainText('If you know it'),
        options: [
          ...causes.map(({ id, title }) => ({ text: plainText(truncate(title, MAX_LABEL)), value: id })),
          { text: plainText('Another cause'), value: 'other' },
        ],
      },
      { optional: true },
    ),
    inputBlock(
      INPUTS.words,
      'In words',
      {
        type: 'plain_text_input',
        multiline: true,
        max_length: 2000,
        placeholder: plainText('What showed it? What fixed it?'),
      },
      { optional: true, hint: 'Stored with this diagnosis and shown in its thread.' },
    ),
  ],
});
