/** Shortcuts: the form from anywhere, and from the menu of an alert with what the alert is about. */
import type { App, GlobalShortcut, MessageShortcut } from '@slack/bolt';
import type { Desk } from '../ask.ts';
import { whoSigned } from '../authorization.ts';
import { answerPrivately } from '../ephemeral-reply.ts';
import { SHORTCUTS } from '../messages/actions.ts';
import { loadBalancerIn, windowAround } from '../pasted-alert.ts';
import { openForm } from './form.ts';
import { sayTo } from './mention.ts';

export function onShortcuts(app: App, desk: Desk): void {
  app.shortcut<GlobalShortcut>({ type: 'shortcut', callback_id: SHORTCUTS.global }, async ({ ack, shortcut }) => {
    await ack();
    const who = whoSigned(shortcut, null);
    // Without a channel: the form asks for one.
    const trouble = await openForm(desk, { trigger: shortcut.trigger_id, who, form: {}, within: null });
    if (trouble !== null) await sayTo(desk, { user: who.user, channel: null, thread: null }, trouble);
  });

  app.shortcut<MessageShortcut>(
    { type: 'message_action', callback_id: SHORTCUTS.message },
    async ({ ack, shortcut, respond }) => {
      await ack();
      const { message, channel } = shortcut;
      const who = whoSigned(shortcut, channel.id);
      const decision = await desk.allowed(who);
      const accounts = 'accounts' in decision ? decision.accounts : [];
      const known = desk.investigator.known().filter(({ account }) => accounts.includes(account));
      const { text, blocks, attachments } = message;
      const loadBalancer = loadBalancerIn([text, blocks, attachments], known);
      const recorded = loadBalancer === null ? null : desk.investigator.recordedWindow?.(loadBalancer);
      const thread: unknown = message.thread_ts;
      const trouble = await openForm(desk, {
        trigger: shortcut.trigger_id,
        who,
        form: {
          ...(loadBalancer === null ? {} : { loadBalancer }),
          window: recorded ?? windowAround(message.ts, desk.now()),
          channel: channel.id,
        },
        within: typeof thread === 'string' ? thread : message.ts,
      });
      if (trouble !== null) await answerPrivately(desk, respond, trouble);
    },
  );

  const ours = Object.values(SHORTCUTS).join('|');
  app.shortcut(new RegExp(`^(?!(?:${ours})$)`), ({ ack }) => ack());
}
