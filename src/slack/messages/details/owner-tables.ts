/** Errors by service and by revision, as a table, according to ECS and EC2. */
import type { Diagnosis, OwnedTargetResult } from '../../../diagnose/diagnosis.ts';
import { number } from '../../../format/wording.ts';
import type { Message } from '../message.ts';
import { line, partsMessage } from '../rich-text.ts';
import { revisionOf, serviceOf } from './owners.ts';
import { countCell, shareCell, table } from './tables.ts';

export const byServiceAnswer = (diagnosis: Diagnosis): Message => ownerTable('service', diagnosis, serviceOf);

export const byRevisionAnswer = (diagnosis: Diagnosis): Message => ownerTable('revision', diagnosis, revisionOf);

function ownerTable(what: string, { owners = [] }: Diagnosis, keyOf: (owner: OwnedTargetResult) => string): Message {
  if (owners.length === 0) return partsMessage([line('AWS did not say whose the targets are.')]);
  const sum = (own: readonly OwnedTargetResult[], of: 'errors' | 'requests') =>
    own.reduce((total, one) => total + one[of], 0);
  const rows = [...Map.groupBy(owners, keyOf)]
    .map(([name, own]) => ({
      ...{ name, targets: own.length, errors: sum(own, 'errors'), requests: sum(own, 'requests') },
      stopped: own.filter(({ stopped }) => stopped !== null).length,
    }))
    .sort((a, b) => b.errors - a.errors || b.requests - a.requests || (a.name < b.name ? -1 : 1));
  return table(
    `Errors by ${what}`,
    [what === 'service' ? 'Service' : 'Revision', 'Targets', 'Errors', 'Requests', 'Share'],
    rows.map(({ name, targets, stopped, errors, requests }) => [
      name,
      { value: targets, words: stopped === 0 ? number(targets) : `${number(targets)}, ${number(stopped)} stopped` },
      countCell(errors),
      countCell(requests),
      shareCell(errors, requests),
    ]),
  );
}
