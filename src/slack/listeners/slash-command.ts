/** `/alb502 my-alb last 15m`: acknowledged at once, answered in a thread. */

import type { App, RespondArguments } from '@slack/bolt';
import { parseStatus } from '../../evidence/statuses.ts';
import { ask, readTyped } from '../ask.ts';
import { answerPrivately, outcomeMessage } from '../ephemeral-reply.ts';
import { helpMessage, privateMessage } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { isHelpRequest, normalizeText } from '../normalize-text.ts';
import type { SlackContext } from '../slack-context.ts';
import { type FormValues, openForm } from './form.ts';

export function onCommand(app: App, context: SlackContext): void {
  // Any name: the workspace may call the command differently.
  app.command(/.*/, async ({ command, ack, respond }) => {
    const words = normalizeText(command.text ?? '');
    if (isHelpRequest(words)) return ack(ephemeral(helpMessage()));
    await ack();
    const { user_id: user, team_id: team, enterprise_id: enterprise, channel_id: channel } = command;
    const who = { user, teams: [team, ...(enterprise ? [enterprise] : [])], channel };
    // Checking the person's groups and looking up an alarm may take longer than Slack waits.
    const parsed = await readTyped(context, words, who);
    if ('problem' in parsed) return answerPrivately(context, respond, privateMessage(parsed.problem));
    const { query } = parsed;
    if (query.loadBalancer === null) {
      const problemMessage = await openForm(context, {
        trigger: command.trigger_id,
        who,
        form: { ...(query.window === null && query.statuses === null ? {} : formValues(words)), channel },
        within: null,
      });
      if (problemMessage !== null) await answerPrivately(context, respond, problemMessage);
      return;
    }
    const outcome = await ask(context, { who, query: { ...query, loadBalancer: query.loadBalancer }, within: null });
    const reply = await outcomeMessage(context, outcome);
    if (reply !== null) await answerPrivately(context, respond, reply);
  });
}

const ephemeral = ({ text, blocks }: Message): RespondArguments => ({ response_type: 'ephemeral', text, blocks });

/** Values for the form from a command without a load balancer. */
export function formValues(words: string): FormValues {
  const all = words.split(/[\s,]+/).filter((word) => word !== '');
  const statuses = all.filter((word) => parseStatus(word) !== null).join(' ');
  const window = all.filter((word) => parseStatus(word) === null).join(' ');
  return { ...(window === '' ? {} : { window }), ...(statuses === '' ? {} : { statuses }) };
}
