/** All Slack messages, one file each. Pure: state in, blocks out. */

export { evidenceState as runStateOf } from '../../render/phrases.ts';
export { checklistMessage } from './checklist.ts';
export { detailAnswer } from './details/details.ts';
export { fixView } from './details/fix-commands.ts';
export { homeView } from './home-view.ts';
export { rootMessage } from './root.ts';
export {
  episodeClosedMessage,
  episodeReopenedMessage,
  helpMessage,
  privateMessage,
  RESTARTING,
  SOMETHING_BROKE,
  THREAD_GONE,
  unknownAlarmMessage,
} from './short-messages.ts';
export type { ThreadState } from './thread-state.ts';
export { verdictChangedMessage } from './verdict-changed.ts';
export { verdictMessage } from './verdict-reply.ts';
export { formView, wrongVerdictView } from './views.ts';
