/** The fix in full: every command, what else it does, where AWS says so; of an undecided verdict, what to do in each case. */
import type { Diagnosis, JudgedCause } from '../../../diagnose/diagnosis.ts';
import { sortCauses } from '../../../render/phrases.ts';
import type { FileMessage, Message } from '../message.ts';
import { copy, cut, labelled, line, type Part, prose, say } from '../rich-text.ts';
import { toCopy, traceParts } from '../verdict-reply.ts';
import { partsOrFile } from './text-file.ts';

export function fixAnswer(diagnosis: Diagnosis): Message | FileMessage {
  const { main, between, others } = sortCauses(diagnosis);
  const certain = others.filter(({ standing }) => standing !== 'possible');
  const found = [...(main === null ? [] : [main]), ...certain];
  const { decidedBy } = diagnosis.verdict;
  const parts: Part[] =
    found.length > 0
      ? [...found.flatMap((cause) => whole(cause, 'Fix')), ...changesNothing]
      : between.length > 0
        ? [
            line({ bold: 'One look decides, before anything is changed' }),
            ...(decidedBy === null || diagnosis.traces !== null ? [] : [say(decidedBy)]),
            ...searches(diagnosis),
            ...between.flatMap((cause) => whole(cause, 'If it is')),
          ]
        : [say(decidedBy ?? 'There is nothing to fix.')];
  return partsOrFile(diagnosis, 'fix', parts, 'What to do, with the commands and what else they do.');
}

const changesNothing = [line({ italic: 'alb502 has run none of this: it only reads.' })];

const whole = ({ title, fix, reference }: JudgedCause, label: 'Fix' | 'If it is'): Part[] => [
  line({ bold: `${label}: ${title}` }),
  { line: [...prose(fix.summary), ' ', { page: reference }] },
  ...toCopy(fix.commands).map(copy),
  ...labelled('Side effects', fix.sideEffects, 20),
];

/** How to look the failed requests up in the application's log. */
function searches({ traces, ...diagnosis }: Diagnosis): Part[] {
  if (traces === null) return [];
  return [
    ...traceParts({ ...diagnosis, traces }),
    line({ bold: 'In a shell' }),
    copy(traces.grep),
    line({ bold: 'In CloudWatch Logs Insights' }),
    copy(traces.logsInsights),
    ...(traces.logFormat.length > 0
      ? [
          line({ bold: 'To log the trace id where it is not logged yet' }),
          copy(traces.logFormat.map((one) => cut(one, 600)).join('\n')),
        ]
      : []),
  ];
}
