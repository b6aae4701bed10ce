/** IDs of buttons, menus and inputs. They must not change, because messages keep them for weeks. */

/** Details that a button posts in the thread, from the run's stored evidence. */
export const DETAIL_IDS = [
  'step-1',
  'step-2',
  'step-3',
  'step-4',
  'step-5',
  'step-6',
  'all-steps',
  'log-lines',
  'by-target',
  'by-route',
  'by-service',
  'by-revision',
  'timeline',
  'path',
  'repeat',
  'fix',
  'evidence',
  'post-mortem',
] as const;
export type DetailId = (typeof DETAIL_IDS)[number];

/**
 * Buttons have `alb502:extra:<id>` as action_id and the run as value; options of the overflow have `<id>:<run>` as
 * value.
 */
export const ACTIONS = {
  detail: (id: DetailId): string => `alb502:extra:${id}`,
  more: 'alb502:more',
  askAgain: 'alb502:ask-again',
  askAnew: 'alb502:ask-anew',
  widen: 'alb502:widen',
  /** A menu whose values are a choice and the run, as in the overflow. */
  mute: 'alb502:mute',
  right: 'alb502:right',
  wrong: 'alb502:wrong',
} as const;

export const VIEWS = { form: 'alb502:form', wrong: 'alb502:wrong-form' } as const;

/** Inputs of the forms: block_id and action_id are the same. */
export const INPUTS = {
  loadBalancer: 'load_balancer',
  window: 'window',
  statuses: 'statuses',
  channel: 'channel',
  cause: 'cause',
  words: 'words',
} as const;

export const SHORTCUTS = { global: 'alb502_open', message: 'alb502_from_message' } as const;
