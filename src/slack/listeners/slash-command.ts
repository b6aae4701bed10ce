/** `/alb502 my-alb last 15m`: acknowledged at once, answered in a thread. */
import type { App, RespondArguments } from '@slack/bolt';
import { ask, type Desk, readQuery } from '../ask.ts';
import { answerPrivately, saidOf } from '../ephemeral-reply.ts';
import { helpMessage, usageMessage } from '../messages/index.ts';
import type { Message } from '../messages/message.ts';
import { asksForHelp, plainWords } from '../normalize-text.ts';
import { openForm, type Prefilled } from './form.ts';

export function onCommand(app: App, desk: Desk): void {
  // However the command is called in this workspace: it was made for this bot.
  app.command(/.*/, async ({ command, ack, respond }) => {
    const words = plainWords(command.text ?? '');
    if (asksForHelp(words)) return ack(privately(helpMessage()));
    const read = readQuery(words);
    if ('problem' in read) return ack(privately(usageMessage(read.problem)));
    await ack();
    const { query } = read;
    const { user_id: user, team_id: team, enterprise_id: enterprise, channel_id: channel } = command;
    const who = { user, teams: [team, ...(enterprise ? [enterprise] : [])], channel };
    if (query.loadBalancer === null) {
      const trouble = await openForm(desk, {
        trigger: command.trigger_id,
        who,
        form: { ...prefilled(words), channel },
        within: null,
      });
      if (trouble !== null) await answerPrivately(desk, respond, trouble);
      return;
    }
    const outcome = await ask(desk, { who, query: { ...query, loadBalancer: query.loadBalancer }, within: null });
    const said = await saidOf(desk, outcome);
    if (said !== null) await answerPrivately(desk, respond, said);
  });
}

const privately = ({ text, blocks }: Message): RespondArguments => ({ response_type: 'ephemeral', text, blocks });

/** What was typed without a load balancer, for the inputs of the form. */
export function prefilled(words: string): Prefilled {
  const all = words.split(/[\s,]+/).filter((word) => word !== '');
  const statuses = all.filter((word) => STATUS.test(word)).join(' ');
  const window = all.filter((word) => !STATUS.test(word)).join(' ');
  return { ...(window === '' ? {} : { window }), ...(statuses === '' ? {} : { statuses }) };
}

const STATUS = /^(?:\d{3}|\dxx)$/i;
