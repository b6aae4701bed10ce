/** The full fix: commands, side effects, documentation; for an undecided verdict, one fix for each candidate. */
import type { types } from '@slack/bolt';
import type { CauseResult, Diagnosis } from '../../../diagnose/diagnosis.ts';
import { ADD_TRACES, settingsIntroduction, sortCauses } from '../../../render/phrases.ts';
import { leadName, madeInFront } from '../../../render/verdict-words.ts';
import type { FileMessage, Message } from '../message.ts';
import { plainText } from '../message-buttons.ts';
import {
  copyable,
  fitsMessage,
  labelledList,
  line,
  type MessagePart,
  prose,
  proseLine,
  richText,
  truncate,
} from '../rich-text.ts';
import { sanitizeState, type ThreadState } from '../thread-state.ts';
import { copyableTexts, stopgapParts, traceParts } from '../verdict-reply.ts';
import { partsOrFile } from './text-file.ts';

export const fixAnswer = (diagnosis: Diagnosis): Message | FileMessage =>
  partsOrFile(diagnosis, 'fix', fixParts(diagnosis), 'What to do: the commands and their side effects.');

/** The fix as a modal; null if it is too long or there is none yet. */
export function fixView(rawState: ThreadState): types.ModalView | null {
  const { diagnosis } = sanitizeState(rawState);
  if (diagnosis === null) return null;
  const parts = fixParts(diagnosis);
  if (!fitsMessage(parts)) return null;
  const view: types.ModalView = {
    type: 'modal',
    title: plainText(diagnosis.verdict.cause === null ? 'How to decide' : 'Fix commands'),
    close: plainText('Close'),
    blocks: richText([line({ bold: diagnosis.loadBalancer.name }), ...parts]) as types.KnownBlock[],
  };
  return view;
}

function fixParts(diagnosis: Diagnosis): MessagePart[] {
  const { main, between, others } = sortCauses(diagnosis);
  const certain = others.filter(({ standing }) => standing !== 'possible');
  const foundCauses = [...(main === null ? [] : [main]), ...certain];
  const { decidedBy } = diagnosis.verdict;
  const edge = edgeParts(diagnosis);
  if (foundCauses.length > 0)
    return [
      ...edge,
      ...foundCauses.flatMap((cause) => fullFix(cause, `Fix: ${leadName(diagnosis, cause)}`)),
      ...readOnlyNote,
    ];
  if (between.length === 0) return [proseLine(decidedBy ?? 'There is nothing to fix.')];
  return [
    line({ bold: 'Decide first: one look, before you change anything' }),
    ...(decidedBy === null || diagnosis.traces !== null ? [] : [proseLine(decidedBy)]),
    ...traceSearchParts(diagnosis),
    ...between.flatMap((cause) => fullFix(cause, `If it is: ${cause.title}`)),
  ];
}

/** What ends the errors that another hop makes. */
function edgeParts(diagnosis: Diagnosis): MessagePart[] {
  const finding = madeInFront(diagnosis);
  if (finding === null || finding.fix === null) return [];
  return [
    line({ bold: `Fix: ${finding.brief ?? 'errors made in front of the load balancer'}` }),
    { line: [...prose(finding.fix), ' ', { page: finding.reference }] },
    ...(finding.settings ?? []).map(copyable),
  ];
}

const readOnlyNote = [line({ italic: 'alb502 has run none of this: it only reads.' })];

const fullFix = ({ fix, reference }: CauseResult, heading: string): MessagePart[] => [
  line({ bold: heading }),
  { line: [...prose(fix.summary), ' ', { page: reference }] },
  ...settingsIntroduction(fix).map((text) => line(text)),
  ...copyableTexts(fix).map(copyable),
  ...labelledList('Notes', fix.notes ?? [], 20),
  ...labelledList('Side effects', fix.sideEffects, 20),
  ...stopgapParts(fix, Number.POSITIVE_INFINITY),
];

/** How to look the failed requests up in the application's log. */
function traceSearchParts({ traces, ...diagnosis }: Diagnosis): MessagePart[] {
  if (traces === null) return [];
  return [
    ...traceParts({ ...diagnosis, traces }),
    line({ bold: 'In a shell' }),
    copyable(traces.grep),
    line({ bold: 'In CloudWatch Logs Insights' }),
    copyable(traces.logsInsights),
    ...(traces.logFormat.length > 0
      ? [line({ bold: ADD_TRACES }), copyable(traces.logFormat.map((one) => truncate(one, 600)).join('\n'))]
      : []),
  ];
}
