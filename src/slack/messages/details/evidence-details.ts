/** All that speaks for and against each cause that was judged. */
import type { Diagnosis, JudgedCause } from '../../../diagnose/diagnosis.ts';
import { number } from '../../../format/wording.ts';
import { causeTitle, ruledOutLines, sortCauses } from '../../../render/phrases.ts';
import type { FileMessage, Message } from '../message.ts';
import { line, type Part, prose, say } from '../rich-text.ts';
import { partsOrFile } from './text-file.ts';

export function evidenceAnswer(diagnosis: Diagnosis): Message | FileMessage {
  const { main, between, others, lookAlikes, alsoRuledOut, notSeen, noError } = sortCauses(diagnosis);
  const { errors } = diagnosis.triage;
  const open = [...(main === null ? [] : [main]), ...between, ...others];
  const unseen = errors === null || errors > 0 ? notSeen : [];
  const parts: Part[] = [
    line({ bold: 'Evidence for and against each cause' }),
    ...(open.length === 0 ? [say(diagnosis.verdict.summary)] : []),
    ...open.flatMap((cause): Part[] => [line({ bold: causeTitle(cause, errors) }), bullets(cause)]),
    ...listed('Ruled out', lookAlikes, ({ against }) => against),
    ...(alsoRuledOut.length > 0
      ? [line({ bold: 'Ruled out by the pattern of the errors' }), { bullets: ruledOutLines(alsoRuledOut).map(prose) }]
      : []),
    ...listed('Not judged', unseen, ({ missing }) => missing),
    ...((errors ?? 0) > 0 && noError.length > 0
      ? [line(`No error looks like one of the other ${number(noError.length)} causes.`)]
      : []),
  ];
  return partsOrFile(diagnosis, 'evidence', parts, 'Evidence for and against each cause.');
}

const bullets = (cause: JudgedCause): Part => ({
  bullets: [
    ...cause.for.map((one) => prose(`For: ${one}`)),
    ...(cause.against.length > 0 ? cause.against : ['–']).map((one) => prose(`Against: ${one}`)),
    ...cause.missing.map((one) => prose(`Unknown: ${one}`)),
  ],
});

const listed = (label: string, causes: readonly JudgedCause[], why: (cause: JudgedCause) => string[]): Part[] =>
  causes.length === 0
    ? []
    : [
        line({ bold: label }),
        { bullets: causes.map((cause) => [{ bold: `${cause.title}: ` }, ...prose(why(cause).join(' ') || '–')]) },
      ];
