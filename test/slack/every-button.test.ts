/** Every button of every recorded incident: each is answered, and Slack takes every answer. */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { ACTIONS } from '../../src/slack/messages/actions.ts';
import { rewrittenIncident, writtenByClient } from '../support/incident/hostile.ts';
import { SECRETS } from '../support/incident/secrets.ts';
import type { LocalSlack, Message } from '../support/slack/local-slack.ts';
import { runBot, SCENARIOS } from '../support/slack/whole-bot.ts';

interface Pressable {
  message: Message;
  label: string;
}

const records = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value : []);

/** What can be pressed in a thread: buttons by their action, options of menus by their words. */
function pressables(messages: Message[]): Pressable[] {
  return messages.flatMap((message) =>
    message.blocks.flatMap((block) =>
      [...records(block.elements), ...records([block.accessory].filter(Boolean))].flatMap((element) => {
        if (element.type === 'button') return [{ message, label: String(element.action_id) }];
        return records(element.options).map(({ text }) => ({ message, label: (text as { text: string }).text }));
      }),
    ),
  );
}

/** Everything that is shown to anybody: a press must add to it. */
const shown = (slack: LocalSlack): number =>
  slack.workspace.channel('alerts').messages.length + slack.privateOf('ada').length + slack.views('ada').length;

/** Asks about an incident and presses everything there is to press; what the channel shows then. */
async function pressEverything(incident: string): Promise<string> {
  const { slack, log, settled } = await runBot({ recorded: [incident] });
  await slack.command({ user: 'ada', channel: 'alerts', text: basename(incident).slice(0, 14).replace(/-$/, '') });
  const root = await slack.until(() => slack.roots('alerts')[0], 'the thread');
  await settled();
  const all = pressables([root, ...slack.thread('alerts', root.ts)]);
  expect(all.length).toBeGreaterThan(2);
  // These ask again, and change what can be pressed.
  const changing: string[] = [ACTIONS.askAgain, 'Check again', ACTIONS.widen];
  for (const { message, label } of all.filter(({ label: one }) => !changing.includes(one))) {
    const before = shown(slack);
    await slack.press(message, label, 'ada');
    await slack.until(() => shown(slack) > before, `an answer to ${label}`);
  }
  await slack.silence(200);
  expect(slack.privateOf('ada').filter(({ text }) => /cannot be read|broke|Try again/.test(text))).toEqual([]);
  expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  expect(slack.calls.filter(({ answer }) => 'ok' in answer && answer.ok === false)).toEqual([]);
  return slack.whatIsShown('alerts', 'ada');
}

it.each(globSync('0*', { cwd: SCENARIOS }).sort())('%s', async (scenario) => {
  await pressEverything(join(SCENARIOS, scenario));
});

const MARKUP = '<!channel>/`*_~<@U0BEN>&a=<http://evil.example|x><!subteam^S1>@everyone```';
const TEXTS = [MARKUP, ...Object.values(SECRETS)];

// Every test checks at its end that no payload notifies anybody.
it.each(['001', '003', '007', '012', '014'])(
  '%s shows no text of attackers and careless clients in its requests',
  async (scenario) => {
    const incident = rewrittenIncident(scenario, (entry, at) => writtenByClient(entry, TEXTS[at % TEXTS.length] ?? ''));
    const shownText = await pressEverything(incident);
    expect(shownText).toContain('GET /users/:id/x');
    expect(TEXTS.filter((text) => shownText.includes(text))).toEqual([]);
  },
);
