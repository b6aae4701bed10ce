/** The messages of a thread. */
import { expect, it } from 'vitest';
import { rootMessage } from '../../../src/slack/messages/index.ts';
import { rootMessageFor } from '../../../src/slack/thread/show.ts';
import { race } from '../../support/diagnoses.ts';
import { alarm, byAlarm, episodeOf, threadStateOf } from '../../support/slack/thread-states.ts';

it('leaves a text that may stand twice whole, for the poster to cut between characters', () => {
  const long = '&'.repeat(600);
  const episode = episodeOf({ alarms: [alarm({ name: long, reason: long })] });
  const diagnosis = { ...race, verdict: { ...race.verdict, summary: long } };
  const loadBalancer = { ...race.loadBalancer, name: '&'.repeat(26), account: 'prod', region: 'eu-west-1' };
  const state = threadStateOf(diagnosis, { ...byAlarm, loadBalancer }, episode);
  const { text } = rootMessage(state);
  // With the note, it is longer than what Slack accepts.
  expect(text.length).toBeGreaterThan(3_950);
  const resumed = { ...state, run: { ...state.run, thread: { ...state.run.thread, resumed: true } } };
  expect(rootMessageFor(resumed).text.endsWith(text)).toBe(true);
});
