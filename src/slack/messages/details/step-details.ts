/** All findings of one step, with their numbers. */
import type { CheckFinding, ChecklistStep, Diagnosis, StepNumber } from '../../../diagnose/diagnosis.ts';
import { factsWords, mergeFindings, OUTCOME_MARK } from '../../../render/phrases.ts';
import type { FileMessage, Message } from '../message.ts';
import { line, type MessagePart, partsMessage, prose, type TextLine } from '../rich-text.ts';
import { gapParts, gapsOfStep, titleLine } from '../steps.ts';
import { partsOrFile } from './text-file.ts';

export function stepAnswer(number: StepNumber, diagnosis: Diagnosis): Message | FileMessage {
  const step = diagnosis.steps.find((one) => one.step === number);
  if (step === undefined) return partsMessage([line(`Step ${number} was not checked.`)]);
  return partsOrFile(
    diagnosis,
    `step-${number}`,
    stepParts(step, diagnosis),
    `Step ${number}, ${step.title}: everything that was checked.`,
  );
}

/** All steps with all their findings. */
export const allStepsAnswer = (diagnosis: Diagnosis): Message | FileMessage =>
  partsOrFile(
    diagnosis,
    'all-checks',
    diagnosis.steps.flatMap((step) => stepParts(step, diagnosis)),
    'Everything that was checked, step by step.',
  );

function stepParts(step: ChecklistStep, diagnosis: Diagnosis): MessagePart[] {
  const denied = gapsOfStep(step, diagnosis).filter(({ iamStatement }) => iamStatement !== null);
  return [titleLine(step), ...mergeFindings(step.findings).flatMap(findingParts), ...gapParts(denied)];
}

function findingParts({ outcome, summary, facts, why, fix, reference }: CheckFinding): MessagePart[] {
  const numbers = factsWords(facts);
  const lines: TextLine[] = [
    ...(numbers === '' ? [] : [[{ italic: numbers }]]),
    ...(outcome === 'fail' ? [prose(why)] : []),
    ...(outcome === 'fail' && fix !== null ? [prose(`→ ${fix}`)] : []),
    ...(outcome === 'fail' ? [[{ page: reference }]] : []),
  ];
  return [
    { line: [`${OUTCOME_MARK[outcome]} `, ...prose(summary)] },
    ...(lines.length > 0 ? [{ bullets: lines }] : []),
  ];
}
