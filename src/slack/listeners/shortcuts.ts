/** Shortcuts: open the form anywhere, or from a message menu with the alert's values filled in. */

import type { App, GlobalShortcut, MessageShortcut } from '@slack/bolt';
import { alertSubject } from '../alert-subject.ts';
import { requesterOf } from '../authorization.ts';
import { answerPrivately } from '../ephemeral-reply.ts';
import { SHORTCUTS } from '../messages/actions.ts';
import { windowAround } from '../pasted-alert.ts';
import type { SlackContext } from '../slack-context.ts';
import { openForm } from './form.ts';
import { sayTo } from './mention.ts';

export function onShortcuts(app: App, context: SlackContext): void {
  app.shortcut<GlobalShortcut>({ type: 'shortcut', callback_id: SHORTCUTS.global }, async ({ ack, shortcut }) => {
    await ack();
    const who = requesterOf(shortcut, null);
    // Without a channel: the form asks for one.
    const problemMessage = await openForm(context, { trigger: shortcut.trigger_id, who, form: {}, within: null });
    if (problemMessage !== null) await sayTo(context, { user: who.user, channel: null, thread: null }, problemMessage);
  });

  app.shortcut<MessageShortcut>(
    { type: 'message_action', callback_id: SHORTCUTS.message },
    async ({ ack, shortcut, respond }) => {
      await ack();
      const { message, channel } = shortcut;
      const who = requesterOf(shortcut, channel.id);
      const decision = await context.authorize(who);
      const accounts = 'accounts' in decision ? decision.accounts : [];
      const { text, blocks, attachments } = message;
      const subject = await alertSubject(context, [text, blocks, attachments], accounts);
      // If several fit, the person picks one in the form.
      const loadBalancer = subject !== null && 'loadBalancer' in subject ? subject.loadBalancer : null;
      const recordedWindow = loadBalancer === null ? null : context.investigator.recordedWindow?.(loadBalancer);
      const thread: unknown = message.thread_ts;
      const problemMessage = await openForm(context, {
        trigger: shortcut.trigger_id,
        who,
        form: {
          ...(loadBalancer === null ? {} : { loadBalancer }),
          window: recordedWindow ?? windowAround(message.ts, context.now()),
          channel: channel.id,
        },
        within: typeof thread === 'string' ? thread : message.ts,
      });
      if (problemMessage !== null) await answerPrivately(context, respond, problemMessage);
    },
  );

  const ours = Object.values(SHORTCUTS).join('|');
  app.shortcut(new RegExp(`^(?!(?:${ours})$)`), ({ ack }) => ack());
}
