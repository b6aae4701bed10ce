/** Every button of every recorded incident: each is answered, and Slack takes every answer. */
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { ACTIONS } from '../../src/slack/messages/actions.ts';
import type { LocalSlack, Message } from '../support/slack/local-slack.ts';
import { runBot, SCENARIOS, waitForAnswer } from '../support/slack/whole-bot.ts';

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
  const root = await waitForAnswer(slack);
  await settled();
  const all = pressables([root, ...slack.thread('alerts', root.ts)]);
  expect(all.length).toBeGreaterThan(2);
  // These ask again, and change what can be pressed.
  const changing: string[] = [ACTIONS.askAgain, ACTIONS.widen];
  for (const { message, label } of all.filter(({ label: one }) => !changing.includes(one))) {
    const before = shown(slack);
    await slack.press(message, label, 'ada');
    await slack.until(() => shown(slack) > before, `an answer to ${label}`);
  }
  await slack.silence(200);
  expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  expect(slack.calls.filter(({ answer }) => 'ok' in answer && answer.ok === false)).toEqual([]);
  return slack.whatIsShown('alerts', 'ada');
}

it.each(globSync('0*', { cwd: SCENARIOS }).sort())('%s', async (scenario) => {
  await pressEverything(join(SCENARIOS, scenario));
});

/** A recorded incident whose requests were written by an attacker. */
function hostileIncident(scenario: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'alb502-hostile-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [name = ''] = globSync(`${scenario}-*`, { cwd: SCENARIOS });
  cpSync(join(SCENARIOS, name), join(folder, name), { recursive: true });
  for (const file of globSync('**/*.log.gz', { cwd: folder })) {
    const text = gunzipSync(readFileSync(join(folder, file))).toString('utf8');
    const hostile = text
      .split('\n')
      .map((line) =>
        line
          .replace(/"(GET|POST) (https:\/\/[^/ ]+)\S* /, '"$1 $2/<!channel>/`*_~<@U0BEN>&a=<http://evil.example|x> ')
          .replace(/"Mozilla[^"]*"/, '"<!here> ``` <!subteam^S1> @everyone"'),
      )
      .join('\n');
    writeFileSync(join(folder, file), gzipSync(hostile));
  }
  return join(folder, name);
}

// That nothing of it notifies anybody is looked at for each payload, at the end of every test.
it.each(['001', '003', '007', '012', '014'])(
  '%s, had attackers written its requests: it arrives as text',
  async (scenario) => {
    expect(await pressEverything(hostileIncident(scenario))).toContain('<!channel>');
  },
);
