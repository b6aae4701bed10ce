/** Everything that is said in Slack, one file a message. Pure: what is told goes in, blocks come out. */

export { checklistMessage } from './checklist.ts';
export { extraAnswer } from './details/details.ts';
export { rootMessage } from './root.ts';
export {
  episodeClosedMessage,
  episodeWentOnMessage,
  helpMessage,
  privateMessage,
  unknownAlarmMessage,
  usageMessage,
} from './short-messages.ts';
export { stepMessages } from './steps.ts';
export { stateOf, type Told } from './thread-state.ts';
export { changedMessage } from './verdict-changed.ts';
export { verdictMessage } from './verdict-reply.ts';
export { formView, homeView, wrongView } from './views.ts';
