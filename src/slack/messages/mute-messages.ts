/** Messages about muting alarms. Pure. */
import type { types } from '@slack/bolt';
import { list } from '../../format/wording.ts';
import { timeOfDay } from '../../render/phrases.ts';
import type { Mute } from '../../runs/mutes.ts';
import type { Run } from '../../runs/run.ts';
import { ACTIONS } from './actions.ts';
import type { Message } from './message.ts';
import { plainText } from './message-buttons.ts';
import { sanitize } from './redact-text.ts';
import { line, partsMessage, type TextLine } from './rich-text.ts';

/** Values of the menu; old messages keep them for weeks. */
export const MUTE_CHOICES = ['mute-load-balancer', 'mute-alarms', 'unmute'] as const;
export type MuteChoice = (typeof MUTE_CHOICES)[number];

const LABELS: Record<MuteChoice, string> = {
  'mute-load-balancer': 'Mute this load balancer',
  'mute-alarms': 'Mute only these alarms',
  unmute: 'Unmute',
};

/** The menu below the thread of an alarm. */
export const muteMenu = (run: string): types.StaticSelect => ({
  type: 'static_select',
  action_id: ACTIONS.mute,
  placeholder: plainText('Mute'),
  options: MUTE_CHOICES.map((choice) => ({ text: plainText(LABELS[choice]), value: `${choice}:${run}` })),
});

const namesOf = (mutes: readonly Mute[]): string => list(mutes.map(({ name }) => sanitize(name)));

const mutedWords = (mutes: readonly Mute[]): string =>
  mutes[0]?.kind === 'load-balancer' ? `all alarms on ${namesOf(mutes)}` : namesOf(mutes);

/** Shown to everyone in the thread, without a mention: it would notify the person who pressed. `mutes`: at least one. */
export function mutedMessage(mutes: readonly Mute[]): Message {
  const [{ until } = { until: '' }] = mutes;
  return partsMessage([
    line(`Muted ${mutedWords(mutes)} until ${dayAndTime(until)}: no new thread until then.`),
    line('This thread continues. Alarms that are still in ALARM when the mute ends get a thread then.'),
  ]);
}

export const unmutedMessage = (mutes: readonly Mute[]): Message =>
  partsMessage([line(`Unmuted ${namesOf(mutes)}: alarms open threads again.`)]);

/**
 * "Ada muted all alarms on shop-prod until 2026-11-18 06:45 UTC", in the root of a thread; empty if nobody muted it.
 */
export const mutedLines = ({ muted, loadBalancer }: Run): TextLine[] =>
  muted === undefined
    ? []
    : [
        [
          { user: muted.user },
          ` muted ${muted.what === 'load-balancer' ? `all alarms on ${sanitize(loadBalancer.name)}` : 'these alarms'} until ${dayAndTime(muted.until)}`,
        ],
      ];

/** In the Home tab: "all alarms on shop-prod · muted by Ada until 2026-11-18 06:45 UTC". */
export const muteLine = (mute: Mute): TextLine => [
  `${mutedWords([mute])} · muted by `,
  { user: mute.user },
  ` until ${dayAndTime(mute.until)}`,
];

/** Includes the date, since mutes may last for days. */
const dayAndTime = (iso: string): string => `${iso.slice(0, 10)} ${timeOfDay(iso).slice(0, 5)} UTC`;
