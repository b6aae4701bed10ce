/** Everything that is said in Slack, one file a message. Pure: what is told goes in, blocks come out. */
export { changedMessage } from './slack/changed.ts';
export { checklistMessage } from './slack/checklist.ts';
export { extraAnswer } from './slack/extra.ts';
export { rootMessage } from './slack/root.ts';
export { stepMessages } from './slack/steps.ts';
export { stateOf, type Told } from './slack/told.ts';
export { verdictMessage } from './slack/verdict.ts';
export { formView, homeView, wrongView } from './slack/views.ts';
export {
  episodeClosedMessage,
  episodeWentOnMessage,
  helpMessage,
  privateMessage,
  unknownAlarmMessage,
  usageMessage,
} from './slack/words.ts';
