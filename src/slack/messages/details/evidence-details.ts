/** Evidence for and against each judged cause. */
import type { CauseResult, Diagnosis } from '../../../diagnose/diagnosis.ts';
import { number } from '../../../format/wording.ts';
import { ruledOutLines, sortCauses } from '../../../render/phrases.ts';
import { leadTitle } from '../../../render/verdict-words.ts';
import type { FileMessage, Message } from '../message.ts';
import { line, type MessagePart, prose, proseLine } from '../rich-text.ts';
import { partsOrFile } from './text-file.ts';

export function evidenceAnswer(diagnosis: Diagnosis): Message | FileMessage {
  const { main, between, others, lookAlikes, alsoRuledOut, unjudged, unmatched } = sortCauses(diagnosis);
  const { errors } = diagnosis.triage;
  const open = [...(main === null ? [] : [main]), ...between, ...others];
  const shownUnjudged = errors === null || errors > 0 ? unjudged : [];
  const parts: MessagePart[] = [
    line({ bold: 'Evidence for and against each cause' }),
    ...(open.length === 0 ? [proseLine(diagnosis.verdict.summary)] : []),
    ...open.flatMap((cause): MessagePart[] => [line({ bold: leadTitle(diagnosis, cause) }), bullets(cause)]),
    ...causesSection('Ruled out', lookAlikes, ({ against }) => against),
    ...(alsoRuledOut.length > 0
      ? [line({ bold: 'Ruled out by the pattern of the errors' }), { bullets: ruledOutLines(alsoRuledOut).map(prose) }]
      : []),
    ...causesSection('Not judged', shownUnjudged, ({ missing }) => missing),
    ...((errors ?? 0) > 0 && unmatched.length > 0 ? [line(`Not seen: ${number(unmatched.length)} other causes.`)] : []),
  ];
  return partsOrFile(diagnosis, 'evidence', parts, 'Evidence for and against each cause.');
}

const bullets = (cause: CauseResult): MessagePart => ({
  bullets: [
    ...cause.for.map((one) => prose(`For: ${one}`)),
    ...(cause.against.length > 0 ? cause.against : ['nothing']).map((one) => prose(`Against: ${one}`)),
    ...cause.missing.map((one) => prose(`Missing: ${one}`)),
  ],
});

const causesSection = (
  label: string,
  causes: readonly CauseResult[],
  why: (cause: CauseResult) => string[],
): MessagePart[] =>
  causes.length === 0
    ? []
    : [
        line({ bold: label }),
        { bullets: causes.map((cause) => [{ bold: `${cause.title}: ` }, ...prose(why(cause).join(' ') || '–')]) },
      ];
