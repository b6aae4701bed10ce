/** Glue tables in moto. moto's Athena takes a CREATE TABLE and makes no table of it, so what the statement says is put into Glue here. */
import { CreateDatabaseCommand, CreateTableCommand, DeleteTableCommand, type GlueClient } from '@aws-sdk/client-glue';

/** The columns, the pattern and the properties in a CREATE TABLE as alb502 prints it. */
function readStatement(statement: string) {
  const names = [...statement.matchAll(/^ {2}`(\w+)` (\w+),?$/gm)].map(([, Name = '', Type = '']) => ({ Name, Type }));
  const property = (name: string) => new RegExp(`'${name}' = '(.*)'`).exec(statement)?.[1] ?? '';
  return {
    columns: names,
    location: /^LOCATION '(.*)'$/m.exec(statement)?.[1] ?? '',
    // In a quoted string, a backslash escapes the next character.
    pattern: property('input\\.regex').replace(/\\(.)/g, '$1'),
    template: property('storage\\.location\\.template'),
  };
}

export interface TableChanges {
  pattern?: string;
  rename?: Record<string, string>;
  drop?: readonly string[];
  /** Where the table says it is; its partitions stay where they are. */
  location?: string;
}

/** Puts the table of the statement into Glue, with some of it changed; replaces one of the same name. */
export async function putTable(
  glue: GlueClient,
  statement: string,
  { DatabaseName, Name }: { DatabaseName: string; Name: string },
  { pattern, rename = {}, drop = [], location }: TableChanges = {},
): Promise<void> {
  const read = readStatement(statement);
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: DatabaseName } })).catch(() => {});
  await glue.send(new DeleteTableCommand({ DatabaseName, Name })).catch(() => {});
  await glue.send(
    new CreateTableCommand({
      DatabaseName,
      TableInput: {
        Name,
        TableType: 'EXTERNAL_TABLE',
        PartitionKeys: [{ Name: 'day', Type: 'string' }],
        Parameters: { 'projection.enabled': 'true', 'storage.location.template': read.template },
        StorageDescriptor: {
          Location: location ?? read.location,
          Columns: read.columns
            .filter((column) => !drop.includes(column.Name))
            .map((column) => ({ ...column, Name: rename[column.Name] ?? column.Name })),
          SerdeInfo: {
            SerializationLibrary: 'org.apache.hadoop.hive.serde2.RegexSerDe',
            Parameters: { 'input.regex': pattern ?? read.pattern },
          },
        },
      },
    }),
  );
}
