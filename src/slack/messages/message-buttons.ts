/** Buttons and what they ask before they cost something. The run is all that they carry. */
import type { types } from '@slack/bolt';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { bytes, dollars } from '../../render/phrases.ts';
import { ACTIONS, type ExtraId } from './actions.ts';
import type { Block } from './message.ts';

type Confirm = types.ConfirmationDialog;
type Cost = Diagnosis['cost'] | null;

export const plain = (text: string): types.PlainTextElement => ({ type: 'plain_text', text, emoji: false });

export interface Pressed {
  run: string;
  primary?: boolean;
  confirm?: Confirm | null;
}

const button = (label: string, action: string, { run, primary = false, confirm = null }: Pressed): types.Button => ({
  type: 'button',
  action_id: action,
  text: plain(label),
  value: run,
  ...(primary ? { style: 'primary' } : {}),
  ...(confirm === null ? {} : { confirm }),
});

export const extraButton = (label: string, extra: ExtraId, pressed: Pressed): types.Button =>
  button(label, ACTIONS.extra(extra), pressed);

export const actionButton = (
  label: string,
  action: 'askAgain' | 'widen' | 'right' | 'wrong',
  pressed: Pressed,
): types.Button => button(label, ACTIONS[action], pressed);

/** US dollars: nobody wants to be asked about less. */
const WORTH_A_QUESTION = 0.01;

/** Asking costs what it cost the last time; a wider window reads more. Nothing is asked where it was as good as free. */
export function priced(cost: Cost, times: 1 | 3): Confirm | null {
  if (cost === null || !(cost.usd * times >= WORTH_A_QUESTION)) return null;
  const last = `The last ask read ${bytes(cost.bytesScanned)} for ${dollars(cost.usd)}`;
  const text =
    times === 1
      ? `${last}; this one costs about as much.`
      : `${last}; the wider window is up to three times as long: about ${dollars(cost.usd * times)}.`;
  return { title: plain('This costs something'), text: plain(text), confirm: plain('Ask'), deny: plain('Cancel') };
}

/** Rare ones: what they are, and what they fetch. At most five. */
export const overflow = (run: string, options: readonly (readonly [string, ExtraId])[]): types.Overflow => ({
  type: 'overflow',
  action_id: ACTIONS.more,
  options: options.slice(0, 5).map(([label, extra]) => ({ text: plain(label), value: `${extra}:${run}` })),
});

export const row = (...elements: types.ActionsBlock['elements']): Block[] =>
  elements.length === 0 ? [] : [{ type: 'actions', elements }];
