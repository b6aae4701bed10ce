/** Buttons, with a confirmation where a press costs money. Their value is the run's ID. */
import type { types } from '@slack/bolt';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import type { Window } from '../../evidence/question.ts';
import { formatBytes, formatDollars } from '../../format/amounts.ts';
import { ACTIONS, type DetailId } from './actions.ts';
import type { SlackBlock } from './message.ts';

type ConfirmDialog = types.ConfirmationDialog;
type DiagnosisCost = Diagnosis['cost'] | null;

export const plainText = (text: string): types.PlainTextElement => ({ type: 'plain_text', text, emoji: false });

interface ButtonOptions {
  run: string;
  primary?: boolean;
  confirm?: ConfirmDialog | null;
}

const button = (
  label: string,
  action: string,
  { run, primary = false, confirm = null }: ButtonOptions,
): types.Button => ({
  type: 'button',
  action_id: action,
  text: plainText(label),
  value: run,
  ...(primary ? { style: 'primary' } : {}),
  ...(confirm === null ? {} : { confirm }),
});

export const detailButton = (label: string, detail: DetailId, options: ButtonOptions): types.Button =>
  button(label, ACTIONS.detail(detail), options);

export const actionButton = (
  label: string,
  action: 'askAgain' | 'widen' | 'right' | 'wrong',
  options: ButtonOptions,
): types.Button => button(label, ACTIONS[action], options);

/** Button that asks again in a new thread. The window is in epoch milliseconds. */
export const askAnewRow = (run: string, { from, to }: Window): types.ActionsBlock => ({
  type: 'actions',
  elements: [button('Ask anew', ACTIONS.askAnew, { run: `${run}:${from}:${to}` })],
});

/** US dollars; smaller costs need no confirmation. */
const MIN_COST_TO_CONFIRM = 0.01;

/** Confirmation with the cost of the last run, scaled to the window; none below MIN_COST_TO_CONFIRM. */
export function confirmCost(cost: DiagnosisCost, times: 1 | 3): ConfirmDialog | null {
  if (cost === null || !(cost.usd * times >= MIN_COST_TO_CONFIRM)) return null;
  const last = `The last run read ${formatBytes(cost.bytesScanned)} for ${formatDollars(cost.usd)}`;
  const text =
    times === 1
      ? `${last}; this one costs about the same.`
      : `${last}; the wider window is up to three times as long, so about ${formatDollars(cost.usd * times)}.`;
  return {
    title: plainText('This costs money'),
    text: plainText(text),
    confirm: plainText('Run'),
    deny: plainText('Cancel'),
  };
}

/** Rare actions: what each is called, and what it fetches. At most five. */
export const overflowMenu = (
  run: string,
  options: readonly (readonly [string, DetailId | 'ask-again'])[],
): types.Overflow => ({
  type: 'overflow',
  action_id: ACTIONS.more,
  options: options.slice(0, 5).map(([label, extra]) => ({ text: plainText(label), value: `${extra}:${run}` })),
});

export const buttonRow = (...elements: types.ActionsBlock['elements']): SlackBlock[] =>
  elements.length === 0 ? [] : [{ type: 'actions', elements }];
