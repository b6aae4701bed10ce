/** The JSON Schemas in schema/, in field order. */
import * as z from 'zod';
import { ConfigFile } from '../config.ts';
import { DiagnosisSchema } from '../diagnose/diagnosis-schema.ts';

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The schema of alb502.json, draft 2020-12. Optional settings list their default. */
export const configurationSchema = (): JsonSchema => ({
  ...z.toJSONSchema(ConfigFile, { io: 'input' }),
  title: 'Configuration of alb502',
});

/** The schema of `alb502 diagnose --json`, draft 2020-12. */
export const diagnosisSchema = (): JsonSchema => ({
  ...z.toJSONSchema(DiagnosisSchema, { io: 'input' }),
  title: 'Diagnosis of alb502',
});
